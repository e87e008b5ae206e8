/** Fields of the form of a run. */
import { t } from "../text";
import { Button } from "../ui/basics";
import type { Variable } from "./form";

export function Check({ label, value, onChange }: { label: string; value: boolean; onChange: (value: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

export function Tags({ label, known, chosen, onChange }: { label: string; known: string[]; chosen: string[]; onChange: (tags: string[]) => void }) {
  if (known.length === 0) return null;
  const toggle = (tag: string) => onChange(chosen.includes(tag) ? chosen.filter((one) => one !== tag) : [...chosen, tag]);
  return (
    <fieldset>
      <legend>{label}</legend>
      <div className="chips">
        {known.map((tag) => (
          <button key={tag} type="button" className="chip" aria-pressed={chosen.includes(tag)} onClick={() => toggle(tag)}>
            {tag}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

/** Variables: those that the playbook prompts for, and others. */
export function Variables({ variables, onChange }: { variables: Variable[]; onChange: (variables: Variable[]) => void }) {
  const change = (key: number, part: Partial<Variable>) => onChange(variables.map((one) => (one.key === key ? { ...one, ...part } : one)));
  const add = () => {
    const key = Math.max(-1, ...variables.map((one) => one.key)) + 1;
    onChange([...variables, { key, name: "", value: "", isSecret: false, prompt: null }]);
  };
  return (
    <fieldset>
      <legend>{t.run.variables}</legend>
      {variables.map((one) =>
        one.prompt !== null ? (
          <label key={one.key} className="field">
            <span>{one.prompt} <code className="dim">{one.name}</code></span>
            <input type={one.isSecret ? "password" : "text"} autoComplete="off" value={one.value} onChange={(event) => change(one.key, { value: event.target.value })} />
          </label>
        ) : (
          <div key={one.key} className="variable">
            <input aria-label={t.run.variableName} placeholder={t.run.variableName} value={one.name} onChange={(event) => change(one.key, { name: event.target.value })} />
            <input aria-label={t.run.variableValue} placeholder={t.run.variableValue} autoComplete="off" type={one.isSecret ? "password" : "text"} value={one.value} onChange={(event) => change(one.key, { value: event.target.value })} />
            <Check label={t.run.secret} value={one.isSecret} onChange={(isSecret) => change(one.key, { isSecret })} />
            <Button kind="ghost" icon="cross" title={t.run.removeVariable} onClick={() => onChange(variables.filter((other) => other.key !== one.key))} />
          </div>
        ),
      )}
      <Button icon="plus" onClick={add}>{t.run.addVariable}</Button>
    </fieldset>
  );
}
