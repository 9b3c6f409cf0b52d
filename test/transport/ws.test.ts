import { createWsTransport } from '../../src/transport/ws.js';
import { transportCompliance } from './compliance.js';

transportCompliance('over ws', createWsTransport);
