/** What differs between the records of a range and its platform, and its repair. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { Range } from "../api/types";
import { useCan } from "../caller";
import { clock } from "../lib/time";
import { t } from "../text";
import { Button, Empty, Loading, ProblemView } from "../ui/basics";
import { State } from "../ui/State";

export function DriftView({ range }: { range: Range }) {
  const queries = useQueryClient();
  const params = { path: { id: range.id } };
  const drift = useQuery({ queryKey: ["ranges", range.name, "drift"], queryFn: () => body(api.GET("/v1/ranges/{id}/drift", { params })), retry: false });
  const repair = useMutation({
    mutationFn: () => body(api.POST("/v1/ranges/{id}/actions/repair", { params })),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["ranges"] }),
  });
  const canChange = useCan("operator");
  if (drift.data === undefined) return drift.error === null ? <Loading /> : <ProblemView error={drift.error} />;
  const { items, observed_at: time } = drift.data;
  return (
    <>
      <div className="filters">
        <span className="dim">{t.drift.observed(clock(time))}</span>
        <Button onClick={() => void drift.refetch()} isDisabled={drift.isFetching}>{t.drift.again}</Button>
        {canChange && items.length > 0 && <Button kind="primary" onClick={() => repair.mutate()} isDisabled={repair.isPending}>{t.drift.repair}</Button>}
      </div>
      {repair.error !== null && <ProblemView error={repair.error} />}
      {items.length === 0 ? (
        <Empty title={t.drift.none}><State state="ready" label={t.drift.same} /></Empty>
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t.drift.what}</th>
              <th scope="col">{t.drift.recorded}</th>
              <th scope="col">{t.drift.found}</th>
              <th scope="col">{t.drift.correction}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={`${item.kind} ${item.name}`}>
                <td><strong>{item.name}</strong> <span className="kind">{item.kind.replaceAll("_", " ")}</span></td>
                <td>{item.recorded}</td>
                <td className="bad">{item.observed}</td>
                <td className="dim">{item.repair}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
