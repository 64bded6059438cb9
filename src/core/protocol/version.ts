// The tracker's own name on the wire.

/** The package's version, the one of package.json (a test holds them together). */
export const VERSION = '0.1.0';

/** `tv`: which tracker made an event. At most 100 units, as atomic `v_tracker` holds. */
export const TRACKER_VERSION = `node-mw-${VERSION}`;
