import { Code, ConnectError } from "@connectrpc/connect";

/** What went wrong, for people: a service's own words, or that nobody answers. */
export function words(error: unknown): string {
  const failure = ConnectError.from(error);
  if (failure.code === Code.Unavailable || failure.code === Code.DeadlineExceeded) {
    return failure.rawMessage && !/fetch|network/i.test(failure.rawMessage)
      ? failure.rawMessage
      : "No answer. It is tried again.";
  }
  if (failure.code === Code.Unknown && /fetch|network/i.test(failure.rawMessage)) {
    return "No connection to the dashboard. It is tried again.";
  }
  return failure.rawMessage || "Something went wrong.";
}

/** Whether asking again may help by itself. */
export function mayPass(error: unknown): boolean {
  const passing = [
    Code.Unavailable,
    Code.DeadlineExceeded,
    Code.ResourceExhausted,
    Code.Unknown,
    Code.Aborted,
  ];
  return passing.includes(ConnectError.from(error).code);
}

/** Whether what was asked for is not there, or has a name that nothing can have. */
export function isMissing(error: unknown): boolean {
  return [Code.NotFound, Code.InvalidArgument].includes(ConnectError.from(error).code);
}
