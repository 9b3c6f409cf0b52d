import { createMemoryTransport } from '../../src/transport/memory.js';
import { transportCompliance } from './compliance.js';

transportCompliance('in memory', createMemoryTransport);
