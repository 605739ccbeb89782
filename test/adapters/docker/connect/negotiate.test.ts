import assert from 'node:assert/strict';
import test from 'node:test';
import { compareApi, negotiate } from '../../../../src/adapters/docker/connect/negotiate.ts';
import { SwapError } from '../../../../src/core/model/error.ts';
import { VERSION } from './fake-engine.ts';

function refusal(body: unknown): SwapError {
  try {
    negotiate(body, 'unix:///x.sock');
  } catch (error) {
    if (error instanceof SwapError) return error;
  }
  return assert.fail('it was accepted');
}

test('versions are compared by number, not by letter', () => {
  assert.ok(compareApi('1.9', '1.41') < 0);
  assert.ok(compareApi('2.0', '1.99') > 0);
  assert.equal(compareApi('1.44', '1.44'), 0);
});

test('the highest version that both speak is taken', () => {
  const pick = (ApiVersion: string, MinAPIVersion: string) =>
    negotiate({ ...VERSION, ApiVersion, MinAPIVersion }, 'x').apiVersion;
  assert.equal(pick('1.41', '1.12'), '1.41');
  assert.equal(pick('1.45', '1.24'), '1.45');
  // Docker 29.0 to 29.2 support nothing older than 1.44, newer ones nothing older than 1.40.
  assert.equal(pick('1.52', '1.44'), '1.51');
  assert.equal(pick('1.54', '1.40'), '1.51');
  assert.equal(pick('1.60', '1.51'), '1.51');
});

test('an engine that is too new or too old is refused with both ranges', () => {
  const tooNew = refusal({ ...VERSION, ApiVersion: '1.60', MinAPIVersion: '1.52' });
  assert.deepEqual([tooNew.code, tooNew.hint], ['engine-unreachable', 'update swapctl']);
  assert.match(tooNew.message, /unix:\/\/\/x\.sock.*1\.52 to 1\.60.*1\.41 to 1\.51/);
  const tooOld = refusal({ ...VERSION, ApiVersion: '1.40', MinAPIVersion: '1.12' });
  assert.match(tooOld.message, /1\.12 to 1\.40.*1\.41 to 1\.51/);
  assert.equal(tooOld.hint, 'update the engine');
});

test('Podman is told from Docker by its components', () => {
  const podman = {
    Version: '4.3.1',
    ApiVersion: '1.41',
    MinAPIVersion: '1.24',
    Components: [{ Name: 'Podman Engine', Version: '4.3.1' }],
  };
  const found = negotiate(podman, 'x');
  assert.deepEqual(
    [found.engine, found.apiVersion, found.components],
    ['podman', '1.41', [{ name: 'Podman Engine', version: '4.3.1' }]],
  );
  assert.equal(negotiate(VERSION, 'x').engine, 'docker');
});

test('an answer that is none of an engine is refused', () => {
  for (const body of [undefined, {}, [], 'hello', { ApiVersion: 'x', Version: '1' }])
    assert.match(refusal(body).message, /no Docker Engine/);
});
