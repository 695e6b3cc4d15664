/** @file Files of one name: each keeps its own rows. */
import { describe, expect, it } from "vitest";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { ContentNames, fileDigest, folderDigest } from "../../src/lab/support/contentNames.ts";
import { openPageData } from "../../src/lab/worker/dataFiles.ts";
import { openLab } from "./openLab.ts";

const rows = (text: string, name = "data.jsonl"): File => new File([text], name);
const train = rows('{"prompt":"a","completion":"b"}\n');
const test = rows('{"prompt":"c","completion":"d"}\n');

describe("files of one name", () => {
  it("do not take each other's place: the training rows stay those of the first", async () => {
    const { lab, worker } = openLab();
    const [first, second] = [await lab.inputs.attachFile(train), await lab.inputs.attachFile(test)];
    expect(first).toBe("data.jsonl");
    expect(second).toMatch(/^data \([0-9a-f]{8}\)\.jsonl$/);
    const spec = resolveSpec({
      data: { train: { source: "file", path: first } },
      eval: { harmful: null, benign: null, task: { source: "file", path: second } },
    });
    const chosen = new Map(worker.messages.flatMap((message) => (message.type === "attach" ? [...message.files] : [])));
    const text = async (path: string): Promise<string> => {
      const file = await openPageData(path, chosen);
      return new TextDecoder().decode(await file.read(0, file.size));
    };
    const { task } = spec.eval;
    expect(spec.data.train.source === "file" && (await text(spec.data.train.path))).toBe(await train.text());
    expect(task?.source === "file" && (await text(task.path))).toBe(await test.text());
    expect([...lab.recovery.store.getState().files]).toEqual([first, second]);
  });

  it("are told apart by content alone: the same rows chosen again keep their name", async () => {
    const names = new ContentNames();
    const nameOf = (file: File) => names.nameFor(file.name, fileDigest(file));
    const other = await nameOf(train).then(() => nameOf(test));
    expect(await nameOf(rows(await train.text()))).toBe("data.jsonl");
    expect(await nameOf(rows(await test.text()))).toBe(other);
    expect(await nameOf(rows("x", "rows"))).toBe("rows");
    expect(await nameOf(rows("y", "rows"))).toMatch(/^rows \([0-9a-f]{8}\)$/);
  });

  it("that cannot be read any more count as others", async () => {
    const names = new ContentNames();
    await names.nameFor("a.csv", Promise.reject(new Error("moved")));
    expect(await names.nameFor("a.csv", fileDigest(train))).toMatch(/^a \([0-9a-f]{8}\)\.csv$/);
    expect(await names.nameFor("a.csv", Promise.reject(new Error("moved")))).toMatch(/^a \([0-9a-f]{8}\)\.csv$/);
  });

  it("may be replaced by name, for a run that asks for its file again", async () => {
    const { lab, worker } = openLab();
    await lab.inputs.attachFile(train);
    lab.inputs.attachFileAs("data.jsonl", test);
    expect(worker.messages.at(-1)).toEqual({ type: "attach", files: new Map([["data.jsonl", test]]) });
    expect(await lab.inputs.attachFile(test)).toBe("data.jsonl");
  });
});

describe("a digest", () => {
  it("of a file depends on every byte, also beyond the first part", async () => {
    const bytes = new Uint8Array(2 ** 22 + 10);
    const before = await fileDigest(new Blob([bytes]));
    bytes[2 ** 22 + 9] = 1;
    expect(await fileDigest(new Blob([bytes]))).not.toBe(before);
    expect(await fileDigest(new Blob([]))).toMatch(/^[0-9a-f]{64}$/);
  });

  it("of a folder depends on names, sizes and both ends of each file, not on their order", async () => {
    const folder = (files: Readonly<Record<string, string>>) =>
      folderDigest({
        kind: "files",
        name: "m",
        files: new Map(Object.entries(files).map(([path, text]) => [path, new File([text], path)])),
      });
    const one = await folder({ "config.json": "{}", "model.safetensors": "1" });
    expect(await folder({ "model.safetensors": "1", "config.json": "{}" })).toBe(one);
    expect(await folder({ "config.json": "{}" })).not.toBe(one);
    expect(await folder({ "config.json": "{}", "model.safetensors": "2" })).not.toBe(one);
  });
});
