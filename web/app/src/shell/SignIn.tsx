/** Signing in with an API token. Behind a gateway that identifies its users, this page never appears. */
import { useState } from "react";
import { setToken } from "../api/session";
import { t } from "../text";
import { Button } from "../ui/basics";

export function SignIn({ wasRejected }: { wasRejected: boolean }) {
  const [text, setText] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    setToken(text.trim());
    // Everything is read again with the new credentials.
    location.reload();
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <img src="./app/icon.svg" alt="" width={40} height={40} />
        <h1>Rangehand</h1>
        <label>
          {t.signIn.token}
          <input
            type="password"
            autoComplete="current-password"
            value={text}
            aria-describedby="sign-in-hint"
            aria-invalid={wasRejected}
            // it is the only field of the page.
            autoFocus
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        {wasRejected && <p className="field-error" role="alert">{t.signIn.rejected}</p>}
        <Button type="submit" kind="primary">{t.signIn.submit}</Button>
        <p id="sign-in-hint" className="dim small">{t.signIn.hint}</p>
        <pre className="small">rangehand token create --name me --role operator</pre>
      </form>
    </main>
  );
}
