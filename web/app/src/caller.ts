/** Who uses the page, and what the caller can do. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "./api/client";

const LEVELS = ["viewer", "operator", "admin"] as const;
export type Role = (typeof LEVELS)[number];

export function useCaller() {
  return useQuery({ queryKey: ["caller"], queryFn: () => body(api.GET("/v1/caller")), staleTime: Number.POSITIVE_INFINITY, retry: false });
}

/** Whether the caller has at least this role. What a caller cannot do isn't offered. */
export function useCan(role: Role): boolean {
  const { data } = useCaller();
  return data !== undefined && LEVELS.indexOf(data.role) >= LEVELS.indexOf(role);
}
