/**
 * Turns PyScript's plugins off for MicroPython too.
 *
 * PyScript prepares MicroPython on every page and, where it finds no config for
 * it, loads all of its plugins. This writes that config; it must be evaluated
 * before PyScript is. A test keeps the list equal to the one in pyscript.toml.
 */
const config = document.createElement("mpy-config");
config.hidden = true;
config.textContent = JSON.stringify({
  plugins: [
    "!codemirror",
    "!deprecations-manager",
    "!donkey",
    "!error",
    "!py-editor",
    "!py-game",
    "!py-terminal",
  ],
});
document.head.append(config);
