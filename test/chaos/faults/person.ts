import { until } from "../../support/until.ts";
import { type ClassName, classNames, type TargetName, targetNames } from "../layout.ts";
import { classObject, targetObject } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Apply } from "./apply.ts";

/** personFaults are what people do to objects while they are in use. */
export const personFaults = {
  "person-deletes-request": async ({ requests, api, harm }, { pick }) => {
    const live = [...requests.store.list()].filter(
      ({ metadata }) => (metadata.finalizers ?? []).length > 0 && metadata.deletionTimestamp === undefined,
    );
    const { name, uid } = live[pick % Math.max(1, live.length)]?.metadata ?? {};
    if (name === undefined) return undefined;
    // Before the call: its runner may be stopped before the answer is here.
    harm.request(name, uid);
    return (await api.delete("runnerrequests", name)) ? `request ${name}` : undefined;
  },
  "person-releases-request": async ({ requests, api, harm, capacity, ecs }, { pick }) => {
    const held = [...requests.store.list()].filter(
      ({ metadata, status }) =>
        (metadata.finalizers ?? []).length > 0 && (status?.runner !== undefined || status?.instance !== undefined),
    );
    // With a registration alone where there is one: what it leaves behind is found in another way.
    const bare = held.filter(({ status }) => status?.instance === undefined);
    const among = pick % 2 === 0 && bare.length > 0 ? bare : held;
    const { name, uid } = among[pick % Math.max(1, among.length)]?.metadata ?? {};
    if (name === undefined || uid === undefined) return undefined;
    harm.request(name, uid);
    await api.delete("runnerrequests", name);
    const takeBack = capacity.release(uid, ecs.tasks());
    try {
      return (await api.dropFinalizers("runnerrequests", name)) ? `request ${name}` : undefined;
    } catch (error) {
      takeBack();
      throw error;
    }
  },
  "person-pauses": async ({ api, undos }, { pick, forMs }) => {
    const name = targetOf(pick);
    await api.patchSpec("runnertargets", name, { paused: true });
    undos.after(forMs, `person-pauses ${name}`, () => api.patchSpec("runnertargets", name, { paused: false }));
    return `target ${name}, for ${forMs} ms`;
  },
  "person-lowers": (stage, { pick, forMs }) => lower(stage, targetOf(pick), forMs),
  // Of those that always have jobs waiting: elsewhere nobody would want to pass the limit.
  "person-lowers-long": (stage, { pick, forMs }) => lower(stage, pick % 2 === 0 ? "web" : "org", forMs),
  "person-raises": (stage, { pick, forMs }) => {
    const name = targetOf(pick);
    return changeSlots(stage, name, stage.script.slots[name] * 2, forMs);
  },
  "person-recreates-target": async (stage, { pick, forMs }) => {
    const name = targetOf(pick);
    const isBack = stage.harm.away(name);
    await stage.api.delete("runnertargets", name);
    stage.undos.after(forMs, `target ${name} is created again`, async () => {
      await recreateTarget(stage, name);
      isBack();
    });
    return `target ${name}, for ${forMs} ms`;
  },
  "person-recreates-class": async (stage, { pick, forMs }) => {
    const name = classNames[pick % classNames.length] as ClassName;
    await stage.api.delete("ecsrunnerclasses", name);
    stage.undos.after(forMs, `class ${name} is created again`, async () => {
      await untilGone(stage, "ecsrunnerclasses", name);
      await stage.api.create("ecsrunnerclasses", classObject(name, stage.ecs.url));
    });
    return `class ${name}, for ${forMs} ms`;
  },
} as const satisfies Partial<Record<string, Apply>>;

function lower(stage: Stage, name: TargetName, forMs: number): Promise<string> {
  return changeSlots(stage, name, Math.max(1, Math.floor(stage.script.slots[name] / 2)), forMs);
}

function targetOf(pick: number): TargetName {
  return targetNames[pick % targetNames.length] as TargetName;
}

async function changeSlots(
  { api, capacity, script, undos }: Stage,
  name: TargetName,
  max: number,
  forMs: number,
): Promise<string> {
  const usual = script.slots[name];
  const set = async (wanted: number, isMore: boolean): Promise<void> => {
    // A higher one is noted before, since an operator may obey faster than our answer comes back; a lower one when it is there to be
    // obeyed: the API server may be away. One of a target that is away says nothing.
    if (isMore) capacity.limit(name, wanted);
    if ((await api.patchSpec("runnertargets", name, { maxRunners: wanted })) && !isMore) capacity.limit(name, wanted);
  };
  await set(max, max > usual);
  undos.after(forMs, `maxRunners of ${name} is ${usual} again`, () => set(usual, max < usual));
  return `target ${name}: ${max} instead of ${script.slots[name]}, for ${forMs} ms`;
}

async function recreateTarget(stage: Stage, name: TargetName): Promise<void> {
  await untilGone(stage, "runnertargets", name);
  // As it was at first, whatever somebody changed before it went.
  stage.capacity.limit(name, stage.script.slots[name]);
  await stage.api.create("runnertargets", targetObject(name, stage.script));
}

async function untilGone({ api }: Stage, kind: "runnertargets" | "ecsrunnerclasses", name: string): Promise<void> {
  await until(`${kind} ${name} is gone`, 20_000, async () => {
    if (await api.exists(kind, name)) throw new Error("it still exists");
  });
}
