/** Which machine reaches which: a matrix of what the document implies. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { t } from "../text";
import { Empty, Loading, ProblemView } from "../ui/basics";

const SIGNS = { direct: "●", allowed: "◐", refused: "·" } as const;

/** A matrix of more machines than this would be too large to read. */
const MOST = 60;

export function ReachView({ range }: { range: string }) {
  const reach = useQuery({ queryKey: ["ranges", range, "reach"], queryFn: () => body(api.GET("/v1/ranges/{id}/reachability", { params: { path: { id: range } } })) });
  if (reach.data === undefined) return reach.error === null ? <Loading /> : <ProblemView error={reach.error} />;
  const rows = reach.data.items;
  const from = [...new Set(rows.map((row) => row.from))];
  const to = [...new Set(rows.map((row) => row.to))];
  if (rows.length === 0) return <Empty title={t.reach.none} />;
  if (from.length > MOST) return <Empty title={t.reach.tooLarge(from.length)} />;
  const cells = new Map(rows.map((row) => [`${row.from}\n${row.to}`, row]));
  return (
    <>
      <p className="legend dim">
        {(["direct", "allowed", "refused"] as const).map((verdict) => (
          <span key={verdict}><b className={`reach-${verdict}`}>{SIGNS[verdict]}</b> {t.reach.verdicts[verdict]}</span>
        ))}
      </p>
      <div className="scroll">
        <table className="table matrix">
          <thead>
            <tr>
              <th scope="col">{t.reach.fromTo}</th>
              {to.map((name) => (
                <th key={name} scope="col">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {from.map((one) => (
              <tr key={one}>
                <th scope="row">{one}</th>
                {to.map((other) => {
                  const cell = cells.get(`${one}\n${other}`);
                  if (cell === undefined) return <td key={other} className="matrix-self" />;
                  const about = `${one} → ${other}: ${t.reach.verdicts[cell.verdict]}${cell.allow === undefined ? "" : ` (${cell.allow.join(", ")})`}`;
                  return (
                    <td key={other} className={`reach-${cell.verdict}`} title={about}>
                      <span aria-hidden="true">{SIGNS[cell.verdict]}</span>
                      <span className="sr-only">{t.reach.verdicts[cell.verdict]}</span>
                      {cell.allow !== undefined && <small>{cell.allow.join(" ")}</small>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
