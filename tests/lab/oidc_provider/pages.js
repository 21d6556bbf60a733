// The two forms that a person meets: user name and password, and what a client asks for.

const escape = (text) => String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

const page = (title, content) => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1>${content}</body></html>`;

export function login(action, name, wrong) {
  return page('Sign in', `
<form method="post" action="${action}">${wrong ? '<p role="alert">Invalid username or password</p>' : ''}
<input id="username" name="username" value="${escape(name)}"> <input id="password" name="password" type="password">
<button id="kc-login">Sign in</button></form>`);
}

export function consent(action, client, scopes) {
  return page('Grant access', `<p>${escape(client)} asks for: ${escape(scopes)}</p>
<form method="post" action="${action}"><button id="kc-login" name="accept" value="yes">Yes</button></form>`);
}

export function confirmDevice(form, userCode) {
  return page('Confirm the device', `<p>It shows <b>${escape(userCode)}</b>.</p>${form}
<button id="kc-login" form="op.deviceConfirmForm">Yes</button>`);
}

export const signedInDevice = page('Device signed in', '<p>Success: go back to it.</p>');

export const refused = (out) => page('Refused', `<p>${escape(out.error)}: ${escape(out.error_description ?? '')}</p>`);
