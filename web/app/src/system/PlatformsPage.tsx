/** The platforms on which ranges can be created. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { t } from "../text";
import { Empty, Facts, Header, Loading, ProblemView } from "../ui/basics";
import { State } from "../ui/State";

export default function PlatformsPage() {
  const platforms = useQuery({ queryKey: ["platforms"], queryFn: () => body(api.GET("/v1/platforms")) });
  if (platforms.data === undefined) return platforms.error === null ? <Loading /> : <ProblemView error={platforms.error} />;
  return (
    <>
      <Header title={t.nav.platforms} />
      {platforms.data.items.length === 0 && <Empty title={t.platforms.none} />}
      <ul className="cards cards-wide">
        {platforms.data.items.map((platform) => (
          <li key={platform.name}>
            <Platform name={platform.name} kind={platform.kind} />
          </li>
        ))}
      </ul>
    </>
  );
}

interface Accepts {
  kinds?: string[];
  templates?: Record<string, unknown> | null;
  pool?: { subnets?: string[] };
  limits?: Record<string, number | null>;
}

function Platform({ name, kind }: { name: string; kind: string }) {
  const detail = useQuery({
    queryKey: ["platforms", name],
    queryFn: () => body(api.GET("/v1/platforms/{platform}", { params: { path: { platform: name } } })),
    retry: false,
  });
  const accepts = detail.data?.accepts as Accepts | undefined;
  const limits = Object.entries(accepts?.limits ?? {}).filter(([, value]) => value !== null);
  return (
    <div className="card">
      <span className="card-head">
        <strong>{name}</strong>
        {detail.data !== undefined ? <State state="ready" label={t.platforms.usable} /> : detail.error !== null ? <State state="fail" label={t.platforms.unusable} /> : null}
      </span>
      {detail.error !== null && <ProblemView error={detail.error} />}
      {detail.data !== undefined && (
        <Facts
          facts={[
            [t.platforms.kind, kind],
            [t.platforms.machines, accepts?.kinds?.join(", ") ?? null],
            [t.platforms.templates, accepts?.templates ? Object.keys(accepts.templates).join(", ") || t.none : t.platforms.anyTemplate],
            [t.platforms.pool, accepts?.pool?.subnets?.join(", ") ?? null],
            [t.platforms.limits, limits.map(([limit, value]) => `${limit} ${value}`).join(", ")],
            [t.platforms.provides, (["snapshots", "rules", "uplink"] as const).filter((one) => detail.data[one]).map((one) => t.platforms.features[one]).join(", ")],
            [t.platforms.inUse, detail.data.subnets_in_use.join(", ")],
          ]}
        />
      )}
    </div>
  );
}
