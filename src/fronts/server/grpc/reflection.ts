import { createRegistry, type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import type { ServerReflectionRequest } from '#proto/grpc/reflection/v1/reflection_pb';
import type { ServerReflectionRequest as AlphaRequest } from '#proto/grpc/reflection/v1alpha/reflection_pb';

/** The subject of a request, in either version. */
type Asked = ServerReflectionRequest['messageRequest'] | AlphaRequest['messageRequest'];

/** Server reflection: the definitions of the services, for clients such as grpcurl. Both versions have the same answers. */
export function reflection(services: readonly DescService[], others: readonly DescFile[]) {
  const roots = [...services.map(({ file }) => file), ...others];
  const files = new Map(roots.flatMap(withDependencies).map((file) => [file.proto.name, file]));
  const registry = createRegistry(...files.values());
  const fileOf = (symbol: string): DescFile | undefined =>
    registry.get(symbol)?.file ?? services.find(({ typeName }) => symbol.startsWith(`${typeName}.`))?.file;
  return (asked: Asked) => answer(asked, { services, files, fileOf });
}

interface Known {
  readonly services: readonly DescService[];
  readonly files: ReadonlyMap<string, DescFile>;
  readonly fileOf: (symbol: string) => DescFile | undefined;
}

function answer(asked: Asked, { services, files, fileOf }: Known) {
  switch (asked.case) {
    case 'listServices':
      return listed(services);
    case 'fileByFilename':
      return found(files.get(asked.value), asked.value);
    case 'fileContainingSymbol':
      return found(fileOf(asked.value), asked.value);
    // proto3 has no extensions but options, and swapctl defines none.
    case 'allExtensionNumbersOfType':
    case 'fileContainingExtension':
      return failed(Code.NotFound, 'there are no extensions');
    case undefined:
      return failed(Code.InvalidArgument, 'the request asks for nothing');
  }
}

function listed(services: readonly DescService[]) {
  const service = services.map(({ typeName: name }) => ({ name }));
  return { case: 'listServicesResponse' as const, value: { service } };
}

function found(file: DescFile | undefined, name: string) {
  if (!file) return failed(Code.NotFound, `there is no ${JSON.stringify(name.slice(0, 200))}`);
  const fileDescriptorProto = withDependencies(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } };
}

function failed(errorCode: Code, errorMessage: string) {
  return { case: 'errorResponse' as const, value: { errorCode, errorMessage } };
}

/** A file and all files that it needs, each once. */
function withDependencies(file: DescFile): DescFile[] {
  return [...new Set([file, ...file.dependencies.flatMap(withDependencies)])];
}
