/** @file Files that a browser hands over: a folder input, loose files, a directory handle. */
import { describe, expect, it } from "vitest";
import { openCheckpoint, readTensorF32 } from "../../src/weights/checkpoint.ts";
import { directorySource, fileListSource, filesByPath } from "../../src/weights/fileSource.browser.ts";
import { files, rejection } from "./support.ts";

/** A File as a folder input gives it; Node's has no webkitRelativePath. */
function picked(path: string, bytes: Uint8Array): File {
  const file = new File([new Uint8Array(bytes)], path.slice(path.lastIndexOf("/") + 1));
  Object.defineProperty(file, "webkitRelativePath", { value: path.includes("/") ? path : "" });
  return file;
}

/**
 * The part of a directory handle that the source uses, over nested objects; the rest of the interface is never called.
 */
interface Tree {
  readonly [name: string]: File | Tree;
}
function handle(name: string, tree: Tree): FileSystemDirectoryHandle {
  const missing = (): never => {
    throw new DOMException("gone", "NotFoundError");
  };
  const fake = {
    name,
    getDirectoryHandle: async (part: string) => {
      const entry = tree[part];
      return entry === undefined || entry instanceof File ? missing() : handle(part, entry);
    },
    getFileHandle: async (part: string) => {
      const entry = tree[part];
      return entry instanceof File ? { getFile: async () => entry } : missing();
    },
  };
  return fake as unknown as FileSystemDirectoryHandle;
}

describe("a folder input", () => {
  it("is read below the folder that holds config.json", async () => {
    const list = Object.entries(files()).map(([path, bytes]) => picked(`hub/tiny/${path}`, bytes));
    const paths = filesByPath([
      picked("hub/notes.txt", new Uint8Array(1)),
      ...list,
      picked("hub/tiny/sub/config.json", new Uint8Array(2)),
    ]);
    expect([...paths.keys()].sort()).toEqual(["config.json", "model.safetensors", "sub/config.json"]);
    const source = fileListSource("tiny", paths);
    expect(await readTensorF32(await openCheckpoint(source), "norm")).toEqual(new Float32Array([1.5, 2.5, -3.5]));
    expect((await rejection(source.read("model.safetensors", 0, 1e6))).what).toContain("ended early");
    expect((await rejection(source.size("model-2.safetensors"))).where).toBe("tiny");
  });

  it("may consist of loose files", () => {
    expect([
      ...filesByPath([picked("config.json", new Uint8Array(1)), picked("a.safetensors", new Uint8Array(1))]).keys(),
    ]).toEqual(["config.json", "a.safetensors"]);
    expect([...filesByPath([picked("adapter_config.json", new Uint8Array(1))]).keys()]).toEqual([
      "adapter_config.json",
    ]);
  });
});

describe("a directory handle", () => {
  it("is read, nested files too, and reports what is missing", async () => {
    const tree = Object.fromEntries(Object.entries(files()).map(([path, bytes]) => [path, picked(path, bytes)]));
    const source = directorySource(
      handle("picked", { ...tree, sub: { "x.txt": picked("x.txt", new Uint8Array([1, 2])) } }),
    );
    expect(source.name).toBe("picked");
    expect(await readTensorF32(await openCheckpoint(source), "bias")).toEqual(new Float32Array([0.25]));
    expect([...(await source.read("sub/x.txt", 1, 2))]).toEqual([2]);
    expect([await source.has("sub/y.txt"), await source.has("none/x.txt"), await source.has("sub")]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("reports a permission that was withdrawn", async () => {
    const lost = {
      name: "lost",
      getFileHandle: async () => Promise.reject(new DOMException("denied", "NotAllowedError")),
    } as unknown as FileSystemDirectoryHandle;
    expect((await rejection(directorySource(lost).has("config.json"))).fix).toContain("Choose the folder again");
  });
});
