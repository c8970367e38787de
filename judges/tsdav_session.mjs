// What tsdav does in the hands of a booking site: finds calendars, reads, writes, syncs. One JSON line for each check.
// node tsdav_session.mjs URL USER PASSWORD, run in a folder that has tsdav in its node_modules.

import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";

const { createDAVClient } = createRequire(process.cwd() + "/")("tsdav");
const [url, username, password] = process.argv.slice(2);

const check = async (name, work) => {
  try {
    await work();
    console.log(JSON.stringify({ name, ok: true }));
  } catch (trouble) {
    console.log(JSON.stringify({ name, ok: false, detail: String(trouble).slice(0, 300) }));
  }
};
const want = (condition, told) => {
  if (!condition) throw new Error(told);
};
const event = (uid, day, summary, more = "") =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//judge//EN", "BEGIN:VEVENT", `UID:${uid}`, "DTSTAMP:20300101T000000Z",
    `DTSTART:203001${day}T100000Z`, `DTEND:203001${day}T110000Z`, `SUMMARY:${summary}`, ...(more ? [more] : []),
    "END:VEVENT", "END:VCALENDAR", ""].join("\r\n");
const range = (from, to) => ({ start: `2030-01-${from}T00:00:00Z`, end: `2030-01-${to}T00:00:00Z` });

let client, calendar, calendars;
await check("login by discovery from the root", async () => {
  client = await createDAVClient({
    serverUrl: url, credentials: { username, password }, authMethod: "Basic", defaultAccountType: "caldav",
  });
});
await check("calendars with name, ctag, sync token and components", async () => {
  calendars = await client.fetchCalendars();
  want(calendars.length > 1, `${calendars.length} calendars`);
  want(calendars.every((one) => one.displayName && one.ctag && one.syncToken && one.url.endsWith("/")), "incomplete");
  want(calendars.every((one) => String(one.components) === "VEVENT"), "other components than VEVENT");
  calendar = calendars[0];
});
await check("the calendar user's address", async () => {
  const found = await client.fetchCalendarUserAddresses();
  want(found.some((address) => address === `mailto:${username}`), String(found));
});
await check("supported reports", async () => {
  const found = await client.supportedReportSet({ collection: calendar });
  want(["calendarQuery", "calendarMultiget", "syncCollection"].every((name) => found.includes(name)), String(found));
});

const uid = `tsdav-${randomUUID()}`;
const find = async (what, id = uid) => (await client.fetchCalendarObjects({ calendar, ...what })).filter((one) => one.data.includes(id));
const read = async (from = "07", to = "08") => find({ timeRange: range(from, to) });
await check("create; the client's file name is kept", async () => {
  const done = await client.createCalendarObject({ calendar, filename: `${uid}.ics`, iCalString: event(uid, "07", "A") });
  want(done.status === 201, `status ${done.status}`);
  const [found] = await read();
  want(found?.url.endsWith(`/${uid}.ics`) && found.etag && found.data.includes("SUMMARY:A"), JSON.stringify(found));
});
await check("create over an existing one is refused", async () => {
  const done = await client.createCalendarObject({ calendar, filename: `${uid}.ics`, iCalString: event(uid, "07", "B") });
  want(done.status === 412, `status ${done.status}`);
});
await check("a time range elsewhere is empty", async () => want((await read("09", "10")).length === 0, "not empty"));
await check("update with the ETag", async () => {
  const [found] = await read();
  const done = await client.updateCalendarObject({ calendarObject: { ...found, data: event(uid, "07", "Changed") } });
  want(done.ok, `status ${done.status}`);
  want((await read())[0].data.includes("SUMMARY:Changed"), "unchanged");
});
await check("update with an old ETag is refused", async () => {
  const [found] = await read();
  const done = await client.updateCalendarObject({ calendarObject: { ...found, etag: '"old"', data: event(uid, "07", "X") } });
  want(done.status === 412, `status ${done.status}`);
});
await check("expanded occurrences of a series", async () => {
  const series = `tsdav-${randomUUID()}`;
  const iCalString = event(series, "14", "Series", "RRULE:FREQ=DAILY;COUNT=3");
  await client.createCalendarObject({ calendar, filename: `${series}.ics`, iCalString });
  const [found] = await find({ timeRange: range("15", "17"), expand: true }, series);
  const starts = [...found.data.matchAll(/DTSTART[^\r\n]*:(\d{8})/g)].map((match) => match[1]);
  want(String(starts) === "20300115,20300116", String(starts));
  want(!found.data.includes("RRULE"), "RRULE in expanded data");
});
await check("multiget", async () => {
  const objectUrls = [new URL(`${uid}.ics`, calendar.url).pathname];
  const [found] = await client.fetchCalendarObjects({ calendar, objectUrls });
  want(found?.data.includes(uid), JSON.stringify(found));
});
await check("free/busy query", async () => {
  const answer = await client.freeBusyQuery({ url: calendar.url, timeRange: range("07", "08"), depth: "0" });
  want(answer.ok !== false, JSON.stringify(answer).slice(0, 200));
});
await check("sync: created, updated, deleted since", async () => {
  const objects = await client.fetchCalendarObjects({ calendar });
  const before = { ...calendar, objects, objectMultiGet: client.calendarMultiGet };
  const fresh = (await client.fetchCalendars()).find((one) => one.url === calendar.url);
  before.syncToken = fresh.syncToken;
  const added = `tsdav-${randomUUID()}`;
  await client.createCalendarObject({ calendar, filename: `${added}.ics`, iCalString: event(added, "20", "New") });
  const one = objects.find((each) => each.url.endsWith(`/${uid}.ics`));
  await client.deleteCalendarObject({ calendarObject: one });
  const found = await client.smartCollectionSync({ collection: before, method: "webdav", detailedResult: true });
  const names = (list) => String(list.map((each) => each.url.split("/").pop()));
  want(names(found.objects.created) === `${added}.ics`, `created ${names(found.objects.created)}`);
  want(names(found.objects.deleted) === `${uid}.ics`, `deleted ${names(found.objects.deleted)}`);
  want(found.objects.updated.length === 0, `updated ${names(found.objects.updated)}`);
});
await check("delete of what is gone", async () => {
  const done = await client.deleteCalendarObject({ calendarObject: { url: new URL(`${uid}.ics`, calendar.url).href } });
  want(done.status === 404, `status ${done.status}`);
});
await check("make a calendar, and find it", async () => {
  const made = new URL(`../tsdav-${randomUUID()}/`, calendar.url).href;
  const [answer] = await client.makeCalendar({ url: made, props: { "d:displayname": "Made by tsdav" } });
  want(answer.ok, `status ${answer.status}`);
  const found = (await client.fetchCalendars()).find((one) => one.url === made);
  want(found?.displayName === "Made by tsdav", JSON.stringify(found));
});
