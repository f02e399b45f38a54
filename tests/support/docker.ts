import { findGoProgram, type GoProgram } from "./go_program.ts";
import { removeFolder } from "./own_folder.ts";
import { endGroup, startGroup } from "./process_group.ts";
import { isRequired, onPath } from "./python.ts";
import { untilItSays } from "./server.ts";
import { makeStandIns } from "./docker_images.ts";

/** A Docker engine with compose v2. */
export interface DockerEngine {
  /** For `docker` as a command of anybody's. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/**
 * True where an engine answers or one of our own can be started, or must be: then a test that needs
 * it fails instead of being skipped.
 */
export function canRunDocker(): boolean {
  if (isRequired || answers()) return true;
  // In containers of its own engine Deno can fetch nothing, so what compiles must come from here.
  return Deno.build.os === "linux" && Deno.uid() === 0 && Deno.env.has("COMPILE_DENO") &&
    ["dockerd", "debootstrap", "go"].every((name) => onPath(name) !== undefined);
}

function answers(): boolean {
  const args = ["version", "--format", "{{.Server.Version}}"];
  try {
    return new Deno.Command("docker", { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/**
 * The engine of this machine, or one of our own with stand-ins for the images, which ends with the
 * test.
 */
export async function startDocker(): Promise<DockerEngine> {
  if (answers()) return { env: {}, stop: () => Promise.resolve() };
  const folder = await Deno.makeTempDir({ prefix: "streamlab-docker-" });
  const socket = `unix://${folder}/docker.sock`;
  const engine = startGroup("dockerd", {
    // Without firewall rules: containers reach each other and nothing else.
    args: [
      ...["--iptables=false", "--ip-forward=false", "--ip-masq=false", "--host", socket],
      ...["--data-root", `${folder}/data`, "--exec-root", `${folder}/exec`, "--pidfile", `${folder}/docker.pid`],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  await untilItSays(engine, "API listen on");
  const drained = engine.stderr.pipeTo(new WritableStream());
  const stop = async () => {
    engine.kill("SIGTERM");
    await engine.status;
    await endGroup(engine);
    await drained;
    await removeFolder(folder);
  };
  try {
    const env = {
      DOCKER_HOST: socket,
      // Debian's engine is older than many a client.
      DOCKER_API_VERSION: "1.41",
      // Its own builder needs no plugin.
      DOCKER_BUILDKIT: "0",
      DOCKER_CONFIG: await configWithCompose(folder),
    };
    await makeStandIns(env, folder);
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The engine that is installed for the test has it not. */
export const composeProgram: GoProgram = {
  name: "docker-compose",
  package: "github.com/docker/compose/v2/cmd",
  version: "v2.32.4",
};

async function configWithCompose(folder: string): Promise<string> {
  const compose = await findGoProgram(composeProgram);
  await Deno.mkdir(`${folder}/config/cli-plugins`, { recursive: true });
  await Deno.symlink(compose, `${folder}/config/cli-plugins/docker-compose`);
  return `${folder}/config`;
}
