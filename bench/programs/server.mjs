// One framework's application in one variant; answers `cpu` with the CPU time that it has used.
const { framework, variant, collector } = JSON.parse(process.argv[2]);
const { serve } = await import(`../apps/${framework}.mjs`);

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMicros: user + system });
});
await serve(variant, collector, (port) => process.send({ port }));
