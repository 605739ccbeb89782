import { messageOf } from '../../core/model/error.ts';
import type { GrpcApi } from './grpc/app.ts';
import type { Answering } from './listen/listeners.ts';
import type { Site } from './operations/asker.ts';

// Paths of calls begin with the name of a service; those of the HTTP API have no dot there.
const CALL = /^\/(?:swapctl|grpc)\.[\w.]+\//;

/** Takes the requests of gRPC; loads what answers them with the first one. */
export function grpcGate(site: Site, options: { readonly reflection: boolean }): Answering['grpc'] {
  let loading: Promise<GrpcApi> | undefined;
  return (request, response, transport) => {
    if (!CALL.test(request.url ?? '')) return false;
    loading ??= import('./grpc/app.ts').then(({ grpcApi }) => grpcApi(site, options));
    loading.then(
      (api) => api(request, response, transport),
      (raised) => {
        loading = undefined;
        // The files of the program may have been replaced meanwhile.
        site.world.log.write('error', `gRPC can't be loaded: ${messageOf(raised)}; restart swapctl serve`);
        response.writeHead(503);
        response.end();
      },
    );
    return true;
  };
}
