// The browser tracker's id out of its cookie, the short way that users of the official tracker copy from its docs.

/** The domain user id in a `_sp_id` cookie, undefined without one. */
export function domainUserId(cookie) {
  return /_sp_id\.[0-9a-f]{4}=([^.;]+)\./.exec(cookie ?? '')?.[1];
}
