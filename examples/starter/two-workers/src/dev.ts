// Only for `npm run dev`, which gives one Worker an address: passes requests to the gateway and to the consumer.

export default {
  fetch(request: Request, env: { GATEWAY: Fetcher; CONSUMER: Fetcher }): Promise<Response> {
    const isConsole = /^\/console(\/|$)/.test(new URL(request.url).pathname);
    return (isConsole ? env.CONSUMER : env.GATEWAY).fetch(request);
  },
};
