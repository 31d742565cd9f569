import { ConnectError, type Interceptor } from "@connectrpc/connect";

/**
 * Sends each error as it was before `logCalls` added the service's own details to it. The suite compares the details of
 * every error with those that it asked for, and the handlers of the suite must be able to answer any code.
 */
export const originalErrors: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: withOriginalErrors(response.message) } : response;
  } catch (error) {
    throw original(error);
  }
};

async function* withOriginalErrors<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw original(error);
  }
}

function original(error: unknown): unknown {
  return error instanceof ConnectError && error.cause instanceof ConnectError ? error.cause : error;
}
