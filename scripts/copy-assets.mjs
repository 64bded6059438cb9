// Copies what tsc leaves behind: the static files of the collector's live page.
import { cpSync, existsSync } from 'node:fs';

if (existsSync('src/collector/page')) cpSync('src/collector/page', 'dist/collector/page', { recursive: true });
