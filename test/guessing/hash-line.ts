/** What a service that `report-hashes.ts` is loaded into writes for each hash. */
export const hashLine = '{"msg":"a hash is computed"}';
