// The tracker's own name on the wire.

/** The package's version, the same as in package.json (a test compares them). */
export const VERSION = '0.1.0';

/** `tv`: the tracker that created an event. At most 100 units, the limit of atomic `v_tracker`. */
export const TRACKER_VERSION = `node-mw-${VERSION}`;
