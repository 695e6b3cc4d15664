/**
 * @file The GPU worker: engine, training, evaluation and chat. The page only draws.
 *
 * One device (device.ts), one run at a time (runs.ts). A lost device is opened anew, and the run resumes from its last
 * snapshot. Requests are answered by requestHandlers.ts, commands obeyed by commandHandlers.ts.
 */
import { respond } from "../../base/requests.ts";
import { watchNetworkForPage } from "../../weights/networkLog.browser.ts";
import { announceLife } from "../../weights/workerLife.browser.ts";
import { reportRejections } from "../../weights/rejections.browser.ts";
import { toFailure } from "../support/failure.ts";
import { commandHandlers, obey } from "./commandHandlers.ts";
import type { ConnectCommand, LabMessage, LabReply } from "./protocol/messages.ts";
import { isPassive, requestHandlers, requestSubject } from "./requestHandlers.ts";
import { openSession } from "./session.ts";

type Handle = (message: Exclude<LabMessage, ConnectCommand>) => Promise<void>;

const emit = (reply: LabReply): void => self.postMessage(reply);

watchNetworkForPage();
announceLife();
reportRejections();
let handle: Handle | null = null;
self.addEventListener("message", ({ data }: MessageEvent<LabMessage>) => {
  if (data.type === "connect") handle = connect(data);
  else if (handle === null) throw new Error(`GPU worker: ${data.type} came before connect`);
  else void handle(data);
});

function connect(command: ConnectCommand): Handle {
  const session = openSession(command, emit);
  const commands = commandHandlers(session, emit);
  const requests = requestHandlers(session);
  return async (message) => {
    if (message.type !== "request") return session.tuning.during(() => obey(commands, message));
    const answer = async (): Promise<void> =>
      emit(await respond(requests, message, (error) => toFailure(error, requestSubject(message))));
    return isPassive(message) ? answer() : session.tuning.during(answer);
  };
}
