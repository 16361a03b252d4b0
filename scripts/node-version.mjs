// Imported first by every command: an older Node would otherwise fail somewhere inside, on a feature it lacks.
// Its own syntax is old on purpose.

const oldest = [20, 19];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  console.error(
    `Sluice needs Node.js ${oldest.join(".")} or newer; this is ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(2);
}
