// An SMSC made of the npm package `smpp`: it accepts everything, and reports everything delivered.
// What is not answered goes to the next who receives. Each PDU it reads is one JSON line on standard output; the package, not we, has decoded it.
'use strict';

const smpp = require('smpp');

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const receivers = [];
const waiting = [];
let names = 0x1a00;

const deliver = () => {
  while (receivers.length && waiting.length) {
    const receipt = waiting.shift();
    const session = receivers[0];
    session.unanswered.add(receipt);
    session.deliver_sm(receipt, (answer) => {
      session.unanswered.delete(receipt);
      say({ answered: receipt.receipted_message_id, status: answer.command_status });
    });
  }
};

const receiptOf = (name, pdu) => ({
  esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
  source_addr: pdu.destination_addr,
  destination_addr: pdu.source_addr,
  short_message: {
    message:
      `id:${parseInt(name, 16)} sub:001 dlvrd:001 submit date:2506231000` +
      ' done date:2506231001 stat:DELIVRD err:000 text:',
  },
  receipted_message_id: name,
  message_state: smpp.MESSAGE_STATE.DELIVERED,
});

const submitted = (session, pdu) => {
  const name = (names++).toString(16);
  const plain = Buffer.isBuffer(pdu.short_message.message) ? null : pdu.short_message.message;
  say({
    id: name,
    to: pdu.destination_addr,
    from: pdu.source_addr,
    kinds: [pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton, pdu.dest_addr_npi],
    data_coding: pdu.data_coding,
    registered_delivery: pdu.registered_delivery,
    udh: (pdu.short_message.udh || []).map((element) => element.toString('hex')),
    text: plain,
    tlvs: { 0x1400: String(pdu[0x1400]), 0x1401: String(pdu[0x1401]) },
  });
  session.send(pdu.response({ message_id: name }));
  if (pdu.registered_delivery & 1) {
    waiting.push(receiptOf(name, pdu));
    deliver();
  }
};

const server = smpp.createServer((session) => {
  session.unanswered = new Set();
  const bound = (receives) => (pdu) => {
    if (pdu.password !== 'secret') {
      session.send(pdu.response({ command_status: smpp.ESME_RBINDFAIL }));
      return;
    }
    say({ bound: pdu.command, system_id: pdu.system_id, version: pdu.interface_version });
    session.send(pdu.response({ system_id: 'npm' }));
    if (receives) {
      receivers.push(session);
      deliver();
    }
  };
  session.on('bind_transmitter', bound(false));
  session.on('bind_receiver', bound(true));
  session.on('bind_transceiver', bound(true));
  session.on('submit_sm', (pdu) => submitted(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on('close', () => {
    if (receivers.includes(session)) receivers.splice(receivers.indexOf(session), 1);
    waiting.push(...session.unanswered);
    deliver();
  });
  session.on('error', (error) => say({ error: String(error) }));
});

server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
