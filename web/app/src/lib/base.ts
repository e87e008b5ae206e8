/** The address of the service, which ends with `/`: the directory of this page, also below a path prefix. */
export const base = new URL("./", document.baseURI).href;

/** The address of a path of the API. */
export function addressOf(path: string): string {
  return new URL(path.replace(/^\//, ""), base).href;
}
