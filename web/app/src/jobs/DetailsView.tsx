/** The request, warnings, and files of a job. */
import { useQuery } from "@tanstack/react-query";
import { api, body, raw } from "../api/client";
import type { Job } from "../api/types";
import { t } from "../text";
import { Copy, Empty } from "../ui/basics";
import { isFinished } from "./title";

async function save(job: string, path: string) {
  const file = await raw(`/v1/jobs/${job}/artifacts/${path.split("/").map(encodeURIComponent).join("/")}`);
  const url = URL.createObjectURL(await file.blob());
  Object.assign(document.createElement("a"), { href: url, download: path.split("/").at(-1) }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function DetailsView({ job }: { job: Job }) {
  const files = useQuery({
    queryKey: ["job", job.id, "artifacts", job.attempt],
    queryFn: () => body(api.GET("/v1/jobs/{id}/artifacts", { params: { path: { id: job.id } } })),
    enabled: isFinished(job.state),
  });
  const request = JSON.stringify(job.request, null, 2);
  return (
    <>
      {(job.warnings ?? []).length > 0 && (
        <section aria-labelledby="warnings">
          <h2 id="warnings">{t.details.warnings} <span className="count">{job.warnings?.length}</span></h2>
          <ul className="failures">
            {job.warnings?.map((warning) => (
              <li key={warning.event}>
                <code>{warning.code}</code>
                <pre>{warning.message}</pre>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="files">
        <h2 id="files">{t.details.files} <span className="count">{files.data?.files ?? 0}</span></h2>
        {(files.data?.artifacts ?? []).length === 0 ? (
          <Empty title={files.data?.local === false && files.data.node !== null ? t.details.elsewhere(files.data.node) : t.details.noFiles} />
        ) : (
          <table className="table">
            <tbody>
              {files.data?.artifacts.map((file) => (
                <tr key={file.path}>
                  <td>
                    <button type="button" className="link" onClick={() => void save(job.id, file.path)}>{file.path}</button>
                  </td>
                  <td className="number">{t.details.bytes(file.size)}</td>
                  <td className="dim"><code>{file.mode}</code></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section aria-labelledby="request">
        <div className="section-head">
          <h2 id="request">{t.details.request}</h2>
          <Copy text={request} />
        </div>
        <pre className="code">{request}</pre>
      </section>
    </>
  );
}
