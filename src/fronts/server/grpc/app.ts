import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { Code, ConnectError, createConnectRouter, createContextValues } from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { file_google_rpc_error_details } from '#proto/google/rpc/error_details_pb';
import { Health } from '#proto/grpc/health/v1/health_pb';
import { ServerReflection } from '#proto/grpc/reflection/v1/reflection_pb';
import { ServerReflection as ServerReflectionAlpha } from '#proto/grpc/reflection/v1alpha/reflection_pb';
import { RollService } from '#proto/swapctl/v1/roll_service_pb';
import { ServiceService } from '#proto/swapctl/v1/service_service_pb';
import { messageOf } from '../../../core/model/error.ts';
import type { Site } from '../operations/asker.ts';
import { guarded, WIRE } from './call.ts';
import { healthService } from './health.ts';
import { reflection } from './reflection.ts';
import { rollService } from './rolls.ts';
import { serviceService } from './services.ts';

type NodeRequest = IncomingMessage | Http2ServerRequest;
type NodeResponse = ServerResponse | Http2ServerResponse;

/** Answers calls over gRPC, gRPC-Web and Connect. */
export type GrpcApi = (request: NodeRequest, response: NodeResponse, transport: 'unix' | 'tcp') => void;

const MOST_BODY = 64 * 1024;

/** The gRPC API as a function of Node's requests; it listens on nothing. */
export function grpcApi(site: Site, options: { readonly reflection: boolean }): GrpcApi {
  const handlers = new Map(routerOf(site, options).handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response, transport) => {
    const handler = handlers.get(request.url?.split('?', 1)[0] ?? '');
    if (!handler) return refuse(response, 404);
    const drop = (): void => cut(request);
    const values = createContextValues().set(WIRE, { socket: request.socket, transport, drop });
    const answering = async (): Promise<void> => {
      const universal = universalRequestFromNodeRequest(request, response as ServerResponse, undefined, values);
      await universalResponseToNodeResponse(await handler(universal), response);
    };
    answering().catch((raised) => {
      if (!response.headersSent) refuse(response, 400);
      else cut(request);
      if (!isGone(raised)) site.world.log.write('debug', `${request.url}: ${messageOf(raised)}`);
    });
  };
}

function routerOf(site: Site, options: { readonly reflection: boolean }) {
  const router = createConnectRouter({
    interceptors: [guarded(site)],
    readMaxBytes: MOST_BODY,
    acceptCompression: [compressionGzip],
  });
  const own = [RollService, ServiceService, Health];
  const names = own.map(({ typeName }) => typeName);
  router.service(RollService, rollService(site));
  router.service(ServiceService, serviceService(site));
  router.service(Health, healthService(site, names));
  if (!options.reflection) return router;
  const answer = reflection([...own, ServerReflection, ServerReflectionAlpha], [file_google_rpc_error_details]);
  router.service(ServerReflection, {
    serverReflectionInfo: async function* (requests) {
      for await (const one of requests) yield { originalRequest: one, messageResponse: answer(one.messageRequest) };
    },
  });
  router.service(ServerReflectionAlpha, {
    serverReflectionInfo: async function* (requests) {
      for await (const one of requests) yield { originalRequest: one, messageResponse: answer(one.messageRequest) };
    },
  });
  return router;
}

function refuse(response: NodeResponse, status: number): void {
  response.writeHead(status);
  response.end();
}

function cut(request: NodeRequest): void {
  if (request instanceof Http2ServerRequest) request.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  else request.socket.destroy();
}

function isGone(raised: unknown): boolean {
  const { code } = ConnectError.from(raised);
  return code === Code.Aborted || code === Code.Canceled;
}
