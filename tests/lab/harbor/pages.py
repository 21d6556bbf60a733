"""The two pages of Harbor that a person meets on the way: the portal, and the one that asks for a user name.

Harbor's real ones are an Angular application; these ask and answer the same requests with a few lines of script.
"""

from html import escape

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ font: 16px/1.5 sans-serif; max-width: 36em; margin: 15vh auto; padding: 0 1em }}
input, button {{ font: inherit; padding: .4em .8em }}</style></head>
<body><h1>{title}</h1>
{content}
</body></html>
"""

SIGNED_IN = "<p>You are signed in to Harbor as <b id='username'>{username}</b>.</p>"
NOT_SIGNED_IN = "<p>You are not signed in. <a id='log_oidc' href='/c/oidc/login'>Sign in</a></p>"

ONBOARD = """<p>Choose your user name in Harbor. It cannot be changed later.</p>
<form id="oidc-onboard" action="/c/oidc/onboard" method="post" data-csrf="{csrf}" data-then="{then}">
<input id="username" name="username" value="{username}" autofocus> <button id="onboard">Save</button></form>
<p id="error" role="alert"></p>
<script>
const form = document.getElementById("oidc-onboard");
form.addEventListener("submit", async event => {{
  event.preventDefault();
  const answer = await fetch(form.action, {{
    method: "POST", headers: {{"Content-Type": "application/json", "X-Harbor-CSRF-Token": form.dataset.csrf}},
    body: JSON.stringify({{username: form.elements.username.value}})}});
  if (answer.ok) location.assign(form.dataset.then || "/");
  else document.getElementById("error").textContent = (await answer.json()).errors[0].message;
}});
</script>"""


def portal(username: str) -> str:
    """The page at `/`; an empty name is nobody."""
    content = SIGNED_IN.format(username=escape(username)) if username else NOT_SIGNED_IN
    return PAGE.format(title="Harbor", content=content)


def onboard(proposed: str, csrf_token: str, then: str) -> str:
    """The page at `/oidc-onboard`."""
    content = ONBOARD.format(username=escape(proposed), csrf=escape(csrf_token), then=escape(then))
    return PAGE.format(title="Harbor: first sign-in", content=content)
