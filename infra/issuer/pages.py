"""The sign-in page: plain, and usable with a keyboard, a screen reader or a command."""

from html import escape

STYLE = """
body { font: 1.1875rem/1.4 Arial, sans-serif; color: #0b0c0c; margin: 2rem auto; max-width: 36rem; padding: 0 1rem }
h1 { font-size: 2rem; line-height: 1.1 }
label { display: block; font-weight: bold; margin-top: 1.25rem }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .4rem; border: 2px solid #0b0c0c }
input:focus, button:focus, a:focus { outline: 3px solid #ffdd00; box-shadow: 0 0 0 5px #0b0c0c }
button { font: inherit; margin-top: 1.5rem; padding: .5rem 1rem; color: #fff; background: #00703c; border: 0 }
.hint { color: #505a5f; margin: .25rem 0 }
.problem { border: 5px solid #d4351c; padding: 1rem; margin-bottom: 1.5rem }
.problem h2 { margin: 0 0 .5rem; font-size: 1.3rem }
.problem a { color: #942514; font-weight: bold }
"""


def content_security_policy(style_nonce: str) -> str:
    """What the page may do: show its own style, and send its form here and on to the program that asked."""
    return (
        f"default-src 'none'; style-src 'nonce-{style_nonce}'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self' http://127.0.0.1:* http://[::1]:* http://localhost:*"
    )


WRONG = "The account or the password is not right. Enter both again."
STALE = "The page was open too long, or came from somewhere else. Enter both again."


def sign_in_page(
    *, program: str, action: str, form_token: str, style_nonce: str, problem: str = "", account: str = ""
) -> str:
    """The form. `action` is where it is sent: the authorization request itself."""
    summary = (
        '<div class="problem" role="alert"><h2>There is a problem</h2>'
        f'<p><a href="#account">{escape(problem)}</a></p></div>'
        if problem
        else ""
    )
    invalid = ' aria-invalid="true"' if problem else ""
    body = f"""{summary}
<h1>Sign in to Safeguarding Exchange</h1>
<p>{escape(program)} asks you to sign in.</p>
<form method="post" action="{escape(action)}" novalidate>
<input type="hidden" name="form_token" value="{escape(form_token)}">
<label for="account">Account</label>
<p class="hint" id="account-hint">The office you act in, such as authority-notifier.</p>
<input id="account" name="account" type="text" autocomplete="username" autocapitalize="none" spellcheck="false"
 aria-describedby="account-hint" value="{escape(account)}"{invalid} required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"{invalid} required>
<button type="submit">Sign in</button>
</form>"""
    return _page(("Error: " if problem else "") + "Sign in", body, style_nonce)


def refusal_page(reason: str, style_nonce: str) -> str:
    """For a person whose program asked wrongly, when there is no safe address to send them back to."""
    body = f"""<h1>This sign-in cannot go on</h1>
<p>The program that sent you here asked for something this issuer does not do: {escape(reason)}</p>
<p>Close this page and start again from the program.</p>"""
    return _page("Sign-in cannot go on", body, style_nonce)


def _page(title: str, body: str, style_nonce: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - Safeguarding Exchange</title>
<style nonce="{style_nonce}">{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
