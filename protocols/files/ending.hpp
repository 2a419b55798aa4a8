#pragma once
#include <cstdint>
#include <string>

// How a transfer ended, in the same terms for every protocol. Plain values; any thread.
namespace protocols {

// Who ended a transfer.
enum class EndedBy : std::uint8_t { client, server, network };

// Why it ended. Each cause belongs to one of the three that can end a transfer: see ended_by().
enum class Cause : std::uint8_t {
  // the client's
  complete,         // the receiver has the whole file and has said so
  size_asked,       // TFTP: it wanted the tsize of our OACK, and no file
  client_error,     // its ERROR (TFTP), or its word (SCP)
  options_refused,  // TFTP: its ERROR in answer to our OACK
  new_request,      // TFTP: it began another transfer from the same port
  other_server,     // TFTP: it asked by broadcast, and took what another server sent
  partly_read,      // SFTP: it closed the file before it had read all of it
  withdrawn,        // SCP: it gave its upload up
  disconnected,     // SFTP, SCP: it left with the file still open
  // the network's
  unconfirmed,      // TFTP: all was sent and most of it acknowledged, but the last ACK never came
  silence,          // TFTP: nothing came for longer than the client's patience lasts
  port_closed,      // TFTP: ICMP says that nobody listens on the client's port
  connection_lost,  // SFTP, SCP: the SSH connection broke
  // ours
  file_changed,      // somebody wrote to the file while it was sent
  unreadable,        // the disk failed
  unwritable,        // no room for an upload, or the disk failed
  too_large,         // an upload beyond its bound
  wrong_size,        // an upload that is not as large as its client announced
  long_block,        // TFTP: a DATA that is longer than the block size
  gave_way,          // TFTP: a newer request needed the place of one that was never answered, or hung
  connection_ended,  // SFTP, SCP: we ended the SSH connection
  shutdown,          // the server stops
  stopped,           // an administrator stopped it
  broke_off,         // memory is short, for instance
};

constexpr EndedBy ended_by(Cause cause) {
  if (cause < Cause::unconfirmed) return EndedBy::client;
  return cause < Cause::file_changed ? EndedBy::network : EndedBy::server;
}

// The likely reason, so that an administrator can be told what to do.
enum class Diagnosis : std::uint8_t {
  none,
  nothing_came_back,  // not one packet answered ours: a firewall, NAT, or a forged request
  fragments_lost,     // small packets arrive, and blocks that need IP fragments do not
  cannot_count,       // it stopped where 15 or 16 bits for a block's number end
  client_full,        // the client has no room for the file
};

// How a transfer ended.
struct Ending {
  Cause cause = Cause::complete;
  std::uint16_t code = 0;  // TFTP: of the ERROR that ended it, whoever sent it
  std::string text{};      // of that ERROR, or what failed; the client's is hostile: escape it
  Diagnosis diagnosis = Diagnosis::none;

  EndedBy by() const { return ended_by(cause); }
};

}  // namespace protocols
