// Run by `helm test` in the operator's image: whether the release is ready and its Service leads to the webhook.
const checks = [
  {
    what: `GET ${process.env.READY_URL}`,
    ask: () => fetch(process.env.READY_URL, { signal: AbortSignal.timeout(5_000) }),
    good: [200],
  },
  {
    what: `POST ${process.env.WEBHOOK_URL} without a signature`,
    ask: () =>
      fetch(process.env.WEBHOOK_URL, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
        signal: AbortSignal.timeout(5_000),
      }),
    // 404 while no GitHubApp fits, 401 where one does: either way getabako answered, and took nothing from a stranger.
    good: [401, 404],
  },
];

// A release that was installed without --wait may still be starting.
const deadline = Date.now() + 60_000;
for (const { what, ask, good } of checks) {
  for (;;) {
    let seen;
    try {
      const answer = await ask();
      const body = (await answer.text()).trim();
      seen = `${answer.status} ${body}`;
      if (good.includes(answer.status)) {
        console.log(`ok: ${what} answered ${seen}`);
        break;
      }
    } catch (error) {
      seen = error.cause?.message ?? error.message;
    }
    if (Date.now() > deadline) {
      console.error(`failed: ${what} gave "${seen}", expected ${good.join(" or ")}`);
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
