/** @file What the GPU worker answers: one function a request (protocol/requests.ts). */
import { BasinError } from "../../base/error.ts";
import type { RequestHandlers } from "../../base/requests.ts";
import { deviceReport } from "./deviceReport.ts";
import { modelFacts } from "./modelFacts.ts";
import type { LabRequest } from "./protocol/messages.ts";
import type { LabRequests } from "./protocol/requests.ts";
import type { Session } from "./session.ts";

export function requestHandlers({
  environment,
  device,
  freeGpu,
  tuning,
  previews,
  runs,
}: Session): RequestHandlers<LabRequests> {
  return {
    inspect: ({ name, tokenizer }) =>
      environment.within(async (scope) => modelFacts(await scope.openModel(name), { tokenizer })),
    plan: async ({ spec }) => previews.plan(spec, await device.limits(environment.systemMemory ?? null)),
    rows: ({ spec, filter, offset, count }) => previews.rows(spec, filter, offset, count),
    columns: ({ spec }) => previews.columns(spec),
    read_adapter: ({ name }) => environment.readAdapter(name),
    analyse: async (request) => {
      // Seldom wanted, and it brings a library of matrix decompositions.
      const { runAnalysis } = await import("../../experiment/analyse/runAnalysis.ts");
      return environment.within((scope) => runAnalysis(request, scope));
    },
    export_python: async ({ spec }) => {
      // Seldom wanted, and it brings the text of the Python files.
      const { pythonArchive } = await import("./pythonArchive.ts");
      return environment.within((scope) => pythonArchive(spec, scope));
    },
    device_report: async ({ question }) => {
      // Its errors would end up in the run, and the run's in it.
      if (question !== "look" && runs.busy)
        throw new BasinError({
          what: "A run is using the GPU",
          where: "device",
          fix: "Check the device when the run has ended.",
        });
      return deviceReport(await (question === "look" ? device.get() : freeGpu()), question);
    },
    kernels: ({ command }) => tuning.run(command),
  };
}

/** Where a request failed that threw something other than a BasinError. */
export function requestSubject(request: LabRequest): string {
  switch (request.name) {
    case "inspect":
    case "read_adapter":
      return request.input.name;
    case "analyse":
      return `analysis ${request.input.name}`;
    case "rows":
      return "training rows";
    case "export_python":
      return "PyTorch replay";
    case "device_report":
      return "device";
    default:
      return request.name;
  }
}

/** Whether a request disturbs no measurement of kernels. */
export function isPassive(request: LabRequest): boolean {
  return request.name === "kernels" || (request.name === "device_report" && request.input.question === "look");
}
