/** Running a playbook, a bundle, or a scenario with a form. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, body } from "../api/client";
import type { Content, Job, NewJob } from "../api/types";
import { useCan } from "../caller";
import { href, navigate, useParam } from "../lib/route";
import { t } from "../text";
import { Button, Copy, Header, Link, Loading, ProblemView } from "../ui/basics";
import { Check, Tags, Variables } from "./fields";
import { type Form, formOf, requestOf } from "./form";
import { asCurl, takeRequest } from "./request";

async function contentOf(kind: string, name: string): Promise<Content> {
  const params = { path: { name } };
  const pathSafe = { pathSerializer: (pattern: string) => pattern.replace("{name}", name.split("/").map(encodeURIComponent).join("/")) };
  switch (kind) {
    case "bundle":
      return body(api.GET("/v1/catalog/bundles/{name}", { params, ...pathSafe }));
    case "scenario":
      return body(api.GET("/v1/catalog/scenarios/{name}", { params, ...pathSafe }));
    default:
      return body(api.GET("/v1/catalog/playbooks/{name}", { params, ...pathSafe }));
  }
}

export default function RunPage({ kind, name }: { kind: string; name: string }) {
  const content = useQuery({ queryKey: ["catalog", kind, name], queryFn: () => contentOf(kind, name) });
  const inventories = useQuery({ queryKey: ["catalog", "inventories"], queryFn: () => body(api.GET("/v1/catalog/inventories")) });
  const error = content.error ?? inventories.error;
  if (error !== null) return <ProblemView error={error} />;
  if (content.data === undefined || inventories.data === undefined) {
    return (
      <>
        <Header title={name}>
          <span className="kind">{kind}</span>
        </Header>
        <Loading text={t.run.reading} />
      </>
    );
  }
  return <FormView kind={kind} name={name} content={content.data} inventories={inventories.data.items.map((entry) => entry.name)} />;
}

function FormView({ kind, name, content, inventories }: { kind: string; name: string; content: Content; inventories: string[] }) {
  const [wanted] = useParam("inventory");
  const [form, setForm] = useState<Form>(() => formOf(content, takeRequest(), wanted === "" ? inventories : [wanted]));
  const change = (part: Partial<Form>) => setForm({ ...form, ...part });
  const canRun = useCan("operator");
  const request = useMemo(() => requestOf(kind, name, form), [kind, name, form]);
  const run = useMutation({
    mutationFn: () => body(api.POST("/v1/jobs", { body: request as unknown as NewJob })) as Promise<Job>,
    onSuccess: (job) => navigate(href(["jobs", job.id])),
  });
  const ranges = useQuery({ queryKey: ["ranges", "palette"], queryFn: () => body(api.GET("/v1/ranges")) });
  const choices = [...inventories, ...(ranges.data?.items ?? []).map((range) => `range/${range.name}`)];
  const curl = asCurl(request);
  return (
    <form className="run-form" onSubmit={(event) => (event.preventDefault(), run.mutate())}>
      <Header title={name} actions={canRun && <Button type="submit" kind="primary" icon="run" isDisabled={run.isPending}>{form.check ? t.run.submitCheck : t.run.submit}</Button>}>
        <span className="kind">{kind}</span>
      </Header>
      {run.error !== null && <ProblemView error={run.error} />}
      {content.problem !== null && <p className="reason reason-failed">{content.problem}</p>}
      {[...content.missing_roles, ...content.missing_collections].length > 0 && (
        <p className="reason reason-failed">{t.run.missing} <code>{[...content.missing_roles, ...content.missing_collections].join(", ")}</code></p>
      )}
      <div className="run-columns">
        <div>
          <Variables variables={form.variables} onChange={(variables) => change({ variables })} />
          <fieldset>
            <legend>{t.run.where}</legend>
            <label className="field">
              <span>{t.run.inventory}</span>
              <input list="inventories" value={form.inventory} onChange={(event) => change({ inventory: event.target.value })} />
              <datalist id="inventories">
                {choices.map((choice) => (
                  <option key={choice} value={choice} />
                ))}
              </datalist>
            </label>
            <Limit inventory={form.inventory} isKnown={inventories.includes(form.inventory)} value={form.limit} onChange={(limit) => change({ limit })} />
          </fieldset>
          <Tags label={t.run.tags} known={content.tags} chosen={form.tags} onChange={(tags) => change({ tags })} />
          <Tags label={t.run.skipTags} known={content.tags} chosen={form.skipTags} onChange={(skipTags) => change({ skipTags })} />
          <fieldset className="run-modes">
            <legend>{t.run.mode}</legend>
            <Check label={t.run.check} value={form.check} onChange={(check) => change({ check })} />
            <Check label={t.run.diff} value={form.diff} onChange={(diff) => change({ diff })} />
            <label className="field-inline">
              <span>{t.run.verbosity}</span>
              <select value={form.verbosity} onChange={(event) => change({ verbosity: Number(event.target.value) })}>
                {[0, 1, 2, 3, 4, 5].map((level) => (
                  <option key={level} value={level}>{level === 0 ? t.none : `-${"v".repeat(level)}`}</option>
                ))}
              </select>
            </label>
          </fieldset>
        </div>
        <div>
          <section aria-labelledby="same-request">
            <div className="section-head">
              <h2 id="same-request">{t.run.same}</h2>
              <Copy text={curl} />
            </div>
            <pre className="code wrap">{curl}</pre>
          </section>
          <section aria-labelledby="content">
            <h2 id="content">{t.run.content} <span className="count">{content.plays.length}</span></h2>
            {content.plays.map((play, index) => (
              // plays can have the same name.
              <div key={index} className="preview-play">
                <strong>{play.name}</strong> <code className="dim">{play.hosts}</code>
                <ol>
                  {play.tasks.map((task, at) => (
                    // tasks can have the same name.
                    <li key={at}>
                      {task.role !== null && <span className="dim">{task.role} : </span>}
                      {task.name} {task.tags.map((tag) => <span key={tag} className="kind">{tag}</span>)}
                    </li>
                  ))}
                </ol>
              </div>
            ))}
          </section>
          <p className="dim small"><Link to={["run"]}>{t.run.back}</Link></p>
        </div>
      </div>
    </form>
  );
}

/** The hosts of a run, with names and groups of the inventory to choose from. */
function Limit({ inventory, isKnown, value, onChange }: { inventory: string; isKnown: boolean; value: string; onChange: (value: string) => void }) {
  const found = useQuery({
    queryKey: ["catalog", "inventory", inventory],
    queryFn: () =>
      body(
        api.GET("/v1/catalog/inventories/{name}", {
          params: { path: { name: inventory } },
          pathSerializer: (pattern: string) => pattern.replace("{name}", inventory.split("/").map(encodeURIComponent).join("/")),
        }),
      ),
    enabled: isKnown,
  });
  const chosen = value.split(/[,:\s]+/).filter(Boolean);
  const toggle = (name: string) => onChange(chosen.includes(name) ? chosen.filter((one) => one !== name).join(",") : [...chosen, name].join(","));
  const groups = (found.data?.groups ?? []).map((group) => group.name).filter((name) => name !== "all" && name !== "ungrouped");
  return (
    <>
      <label className="field">
        <span>{t.run.limit}</span>
        <input value={value} placeholder={t.run.allHosts} onChange={(event) => onChange(event.target.value)} />
      </label>
      {found.data !== undefined && (
        <div className="chips" role="group" aria-label={t.run.limit}>
          {[...groups, ...found.data.hosts.slice(0, 40)].map((name) => (
            <button key={name} type="button" className="chip" aria-pressed={chosen.includes(name)} onClick={() => toggle(name)}>
              {name}
            </button>
          ))}
        </div>
      )}
    </>
  );
}
