/** Creating a range from a document. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { t } from "../text";
import { Header, Loading, ProblemView } from "../ui/basics";
import { Editor } from "./Editor";

/** A small range to begin with. */
function example(platform: string): string {
  return `name: my-range
platform: ${platform}
networks:
  dmz: {}
  inside: {}
machines:
  gw: {template: debian-12, role: router, networks: [dmz, inside]}
  web: {template: debian-12, networks: [dmz], needs: [gw]}
  db: {template: debian-12, networks: [inside], memory_mb: 2048}
rules:
  - {from: dmz, to: inside, allow: [tcp/5432]}
`;
}

export default function NewRangePage() {
  const platforms = useQuery({ queryKey: ["platforms"], queryFn: () => body(api.GET("/v1/platforms")) });
  if (platforms.data === undefined) return platforms.error === null ? <Loading /> : <ProblemView error={platforms.error} />;
  return (
    <>
      <Header title={t.ranges.create} />
      <Editor initial={example(platforms.data.items[0]?.name ?? "simulated")} range={null} />
    </>
  );
}
