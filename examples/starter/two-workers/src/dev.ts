// Only for `npm run dev`, which gives one Worker an address: passes requests to the gateway and to the consumer.

export default {
  async fetch(request: Request, env: { GATEWAY: Fetcher; CONSUMER: Fetcher }): Promise<Response> {
    const url = URL.parse(request.url);
    // Not every Host header makes a URL that can be parsed, and no other Worker can be asked without one.
    if (url === null) {
      return new Response(null, { status: 404 });
    }
    const isConsole = /^\/console(\/|$)/.test(url.pathname);
    return (isConsole ? env.CONSUMER : env.GATEWAY).fetch(url.href, request);
  },
};
