/** @file The HTML report: whole, self-contained, and deaf to what a model says. */
import { createHash } from "node:crypto";
import { Window } from "happy-dom";
import { describe, expect, it } from "vitest";
import { htmlReport, type ReportOptions } from "../../../src/experiment/report/htmlReport.ts";
import { lineChart, thinned, ticks } from "../../../src/experiment/report/lineChart.ts";
import { moduleMap } from "../../../src/experiment/report/moduleMap.ts";
import { escapeHtml, markup } from "../../../src/experiment/report/markup.ts";
import type { ReportRun } from "../../../src/experiment/report/reportRun.ts";
import { reportStyle } from "../../../src/experiment/report/style.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { finishedRun, LOSSES, stepsOf } from "../share/runs.ts";

const NASTY = `</script><img src=x onerror="alert(1)"><svg/onload=alert(2)>&amp;"'\`\u0000</style><!-- {{7*7}}`;

function run(text: string, changes: Partial<ReportRun> = {}): ReportRun {
  const { runId, endedAt, steps, report } = finishedRun();
  const answer = {
    part: "harmful",
    prompt: `${text} prompt`,
    answer: text,
    verdict: text,
    harmful: true,
    reason: text,
  } as const;
  return {
    runId,
    endedAt,
    spec: resolveSpec({
      name: text,
      data: { train: { source: "file", path: text } },
      method: { name: "asft", lambda: 3 },
    }),
    steps,
    evaluations: [],
    answers: [
      { when: "before", step: 0, answers: [answer] },
      {
        when: "after",
        step: 20,
        answers: [answer, { part: "task", prompt: text, answer: text, expected: text, verdict: "wrong" }],
      },
    ],
    ending: {
      kind: "finished",
      report: {
        ...report,
        device: text,
        judge: text,
        task: text,
        versions: { basin: text, browser: text },
        method: { [text]: text, modules: [{ path: text, [text]: 1 }] },
      },
    },
    ...changes,
  };
}

const options: ReportOptions = {
  madeAt: 1_760_000_000_000,
  basin: "0.1.0",
  samples: 6,
  linkOf: () => "https://basin.example/#x=1.abc",
};

function parsed(html: string): ReturnType<InstanceType<Window["DOMParser"]>["parseFromString"]> {
  return new new Window().DOMParser().parseFromString(html, "text/html");
}

describe("the report", () => {
  it("lets nothing that a run says become markup", async () => {
    const html = await htmlReport([run(NASTY), run(NASTY)], { ...options, linkOf: () => `javascript:${NASTY}` });
    const page = parsed(html);
    expect(page.querySelectorAll("script, img, iframe, object, embed, form, base, link")).toHaveLength(0);
    for (const element of page.querySelectorAll("*")) {
      for (const { name } of element.attributes) expect(name, element.tagName).not.toMatch(/^on|^style$|^src$/);
    }
    for (const link of page.querySelectorAll("a")) expect(link.getAttribute("href")).toMatch(/^#run-\d$/);
    expect(html).not.toMatch(/<img|<svg\/|onload=alert\(2\)>&amp;"/);
    expect(page.querySelector("blockquote")?.textContent).toBe(NASTY.replace("\u0000", "\ufffd"));
  });

  it("asks the network for nothing and its policy allows nothing", async () => {
    const html = await htmlReport([run("plain")], options);
    const policy =
      parsed(html).querySelector("meta[http-equiv=Content-Security-Policy]")?.getAttribute("content") ?? "";
    const sheet = /<style>([^]*)<\/style>/.exec(html)?.[1] ?? "";
    const hash = `sha256-${createHash("sha256").update(sheet).digest("base64")}`;
    expect(policy).toBe(`default-src 'none'; style-src '${hash}'; base-uri 'none'; form-action 'none'`);
    expect(sheet).toBe((await reportStyle()).css);
    expect(html.indexOf("Content-Security-Policy")).toBeLessThan(html.indexOf("<style>"));
    expect(html).not.toMatch(/url\(|@import|src=/);
    expect([...html.matchAll(/https?:[^\s"<]+/g)].map(([address]) => address)).toEqual([
      "https://basin.example/#x=1.abc",
    ]);
  });

  it("has scores with counts and intervals, curves, account, environment, answers, spec and link", async () => {
    const page = parsed(await htmlReport([run("plain words")], options));
    const text = page.body.textContent ?? "";
    for (const part of [
      "AsFT, λ 3",
      "37/100",
      "28.2 to 46.8",
      "What the method did",
      "Run details",
      "12 s",
      "Sample answers",
      "plain words prompt",
      '"lambda": 3',
      "npx basin run spec.json",
    ])
      expect(text).toContain(part);
    expect(
      [...page.querySelectorAll("figure svg[role=img]")].map((svg) => svg.getAttribute("aria-label")?.split(",")[0]),
    ).toEqual(["Cross-entropy", "Gradient norm", "Learning rate"]);
    expect(page.querySelector("a")?.getAttribute("href")).toBe("https://basin.example/#x=1.abc");
  });

  it("shows why a run failed, omits answers on request, gives the fragment where no address is known", async () => {
    const failed = run("x", {
      ending: { kind: "failed", failure: { what: "The device was lost", where: "step 7", fix: "again" }, lastStep: 6 },
    });
    const text =
      parsed(await htmlReport([failed], { ...options, samples: 0, linkOf: () => "x=1.abc" })).body.textContent ?? "";
    expect(text).toContain("The run failed at step 6: The device was lost");
    expect(text).toContain("#x=1.abc");
    expect(text).not.toContain("Sample answers");
  });

  it("has the user's own words and a person's verdicts beside the judge's", async () => {
    const text =
      parsed(
        await htmlReport(
          [
            run("x", {
              tags: ["baseline"],
              note: "before lunch",
              overridden: { overrides: 2, rate: { percent: 35, hits: 35, count: 100 } },
            }),
          ],
          options,
        ),
      ).body.textContent ?? "";
    expect(text).toContain("#baseline · before lunch");
    expect(text).toContain("A person overrode 2 verdicts; with them, the harmful score after training is 35");
    expect(text).toContain("37/100");
  });

  it("compares several runs, each with its anchor", async () => {
    const page = parsed(await htmlReport([run("a"), run("b"), run("c", { steps: stepsOf(LOSSES.slice(3)) })], options));
    expect([...page.querySelectorAll("h2")].map(({ id }) => id)).toEqual(["run-1", "run-2", "run-3"]);
    expect(page.querySelector("figure svg[role=img]")?.querySelectorAll("polyline")).toHaveLength(3);
  });
});

describe("the map of modules", () => {
  const record = (layers: number, steps: number) => ({
    quantity: "update_norm" as const,
    paths: Array.from(
      { length: 2 * layers },
      (_, i) => `model.layers.${Math.floor(i / 2)}.self_attn.${i % 2 === 0 ? "q" : "v"}_proj`,
    ),
    columns: Array.from({ length: steps }, (_, step) => ({
      step: step + 1,
      values: Array.from({ length: 2 * layers }, (_, i) => (i % 2 === 0 ? 3 : 4)),
    })),
  });

  it("has a row a module, and many modules summed by layer", async () => {
    expect(moduleMap(record(2, 5))?.toString().match(/<rect/g)).toHaveLength(20);
    const many = moduleMap(record(40, 200))?.toString() ?? "";
    expect(many.match(/<rect/g)).toHaveLength(40 * 60);
    expect(many).toContain("summed by layer");
    // √(3² + 4²)
    expect(many).toContain("darkest: 5.00");
    expect(many.length).toBeLessThan(400_000);
    expect(moduleMap(undefined)).toBeNull();
  });
});

describe("markup", () => {
  it("escapes values in text and attributes, keeps markup, joins lists", async () => {
    expect(markup`<b title="${`"'<`}">${["<", markup`<i>${"&"}</i>`, null, undefined, 3]}</b>`.toString()).toBe(
      '<b title="&quot;&#39;&lt;">&lt;<i>&amp;</i>3</b>',
    );
    expect(escapeHtml("\u0001\u001b[31m\n\té")).toBe("\ufffd\ufffd[31m\n\té");
  });
});

describe("the line chart", () => {
  it("thins long curves without losing a spike", async () => {
    const points = Array.from({ length: 50_000 }, (_, i): [number, number] => [
      i,
      i === 31_234 ? 99 : Math.sin(i / 100),
    ]);
    const kept = thinned(points, 500);
    expect(kept.length).toBeLessThanOrEqual(2000);
    expect(kept).toContainEqual([31_234, 99]);
    expect(kept[0]).toEqual([0, 0]);
    expect(kept.at(-1)?.[0]).toBe(49_999);
  });

  it("has round ticks, and none for no data", async () => {
    expect(ticks(0, 3.1, 4)).toEqual([0, 1, 2, 3]);
    expect(ticks(-0.02, 0.05, 4)).toEqual([-0.02, 0, 0.02, 0.04]);
    expect(lineChart({ title: "t", unit: "", lines: [{ label: "a", color: "c", points: [] }] })).toBeNull();
    expect(
      lineChart({ title: "t", unit: "", lines: [{ label: "a", color: "c", points: [[1, 0]] }] })?.toString(),
    ).not.toContain("NaN");
  });
});
