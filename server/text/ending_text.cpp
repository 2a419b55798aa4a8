#include "server/text/ending_text.hpp"

#include <fmt/format.h>

#include "server/events/protocol.hpp"
#include "server/events/transfer.hpp"
#include "server/text/escape.hpp"

namespace server {
namespace {

using event::Protocol;
using event::TransferEnded;
using protocols::Cause;
using protocols::Diagnosis;
using protocols::EndedBy;

constexpr std::uint16_t largest_unfragmented = 1468;  // as a blksize, on Ethernet

bool is_tftp(const TransferEnded& e) { return e.protocol == Protocol::tftp; }
bool is_over_ssh(const TransferEnded& e) { return !is_tftp(e) && e.protocol != Protocol::http; }

// sftp-server's lines have quotes around a name, and tftpd-hpa's have none.
std::string name_of(const TransferEnded& e) {
  const auto name = escaped_path(e.name);
  return is_over_ssh(e) ? fmt::format("\"{}\"", name) : name;
}

std::string figures(const TransferEnded& e) {
  auto text = fmt::format("{}", e.bytes);
  const bool whole = e.how.cause == Cause::complete || e.how.cause == Cause::unconfirmed;
  if (!is_tftp(e) && !whole && e.size) text += fmt::format(" of {}", *e.size);
  text += fmt::format(" bytes in {:.1f} s", e.seconds);
  if (e.http) text += fmt::format(", {}", e.http->status);
  if (e.http && e.http->first > 0) text += fmt::format(" from offset {}", e.http->first);
  if (!e.tftp) return text;
  text += fmt::format(", blksize {} windowsize {}, {} resent", e.tftp->block_size, e.tftp->window,
                      e.tftp->resent);
  if (e.tftp->netascii) text += ", netascii";
  return text;
}

// Of the client's, or of ours.
std::string reason(const TransferEnded& e) {
  const auto text = escaped(e.how.text);
  if (is_tftp(e)) return fmt::format("({}, {})", e.how.code, text);
  return text.empty() ? "" : fmt::format("({})", text);
}

std::string by_client(const TransferEnded& e) {
  const auto name = name_of(e);
  switch (e.how.cause) {
    case Cause::complete:
      return fmt::format("{} {} {} {}: {}", e.write ? "received" : "sent", name, e.write ? "from" : "to",
                         e.client, figures(e));
    case Cause::size_asked:
      return fmt::format("{} not sent: {} asked for its size only {}: {} bytes", name, e.client, reason(e),
                         e.size.value_or(0));
    case Cause::other_server:
      return fmt::format("{} not sent: {} asked by broadcast and took what another server sent", name,
                         e.client);
    case Cause::partly_read:
      return fmt::format("{} read in part by {}: {}", name, e.client, figures(e));
    case Cause::new_request:
      return fmt::format("{} aborted by {} (0, a new request from the same port): {}", name, e.client,
                         figures(e));
    case Cause::withdrawn:
      return fmt::format("{} aborted by {} (upload not finished): {}", name, e.client, figures(e));
    case Cause::disconnected:
      return fmt::format("{} aborted by {} (disconnected): {}", name, e.client, figures(e));
    default:
      break;
  }
  const auto why = reason(e);
  return fmt::format("{} aborted by {}{}{}: {}", name, e.client, why.empty() ? "" : " ", why, figures(e));
}

std::string by_network(const TransferEnded& e) {
  const auto whereto = fmt::format("{} {} {}", name_of(e), e.write ? "from" : "to", e.client);
  switch (e.how.cause) {
    case Cause::unconfirmed:
      return fmt::format("sent {}: {}, last ACK missing", whereto, figures(e));
    case Cause::silence:
      return fmt::format("timeout {} {}: stalled at offset {}{}: {}", e.write ? "receiving" : "sending",
                         whereto, e.bytes + (e.http ? e.http->first : 0),
                         e.tftp ? fmt::format(" after {} tries", e.tftp->tries) : "", figures(e));
    case Cause::port_closed:
      return fmt::format("{} cut off by the network (port unreachable): {}", whereto, figures(e));
    default:
      return fmt::format("{} cut off by the network (connection lost): {}", whereto, figures(e));
  }
}

std::string by_server(const TransferEnded& e) {
  const auto name = name_of(e);
  const auto whereto = fmt::format("{} {} {}", name, e.write ? "from" : "to", e.client);
  switch (e.how.cause) {
    case Cause::file_changed:
      return fmt::format("{} changed while it was sent to {}: {}", name, e.client, figures(e));
    case Cause::unreadable:
      return fmt::format("{} broken off by the server, the file cannot be read: {}: {}", whereto,
                         escaped(e.how.text), figures(e));
    case Cause::shutdown:
      return fmt::format("{} broken off, the server is shutting down: {}", whereto, figures(e));
    case Cause::stopped:
      return fmt::format("{} broken off, an administrator stopped it: {}", whereto, figures(e));
    case Cause::gave_way:
      return fmt::format("{} broken off by the server, a newer request needs its place: {}", whereto,
                         figures(e));
    default:
      break;
  }
  const auto why = reason(e);
  return fmt::format("{} broken off by the server{}{}: {}", whereto, why.empty() ? "" : " ", why, figures(e));
}

std::string nothing_came_back(const TransferEnded& e) {
  constexpr std::string_view ports =
      " tftp.single_port: true answers from the port that was asked, and tftp.port_range names ports to open "
      "in the firewall";
  constexpr std::string_view fragments =
      "; or the fragments of its large blocks are lost: tftp.max_block_size: 1428";
  const bool may_move = e.tftp && !e.tftp->single_port;
  const bool large = e.write && e.tftp && e.tftp->block_size > largest_unfragmented;
  return fmt::format("nothing ever came back from the client: does a firewall or NAT on the way stop it?{}{}",
                     may_move ? ports : "", large ? fragments : "");
}

}  // namespace

std::string remedy_of(const TransferEnded& e) {
  switch (e.how.diagnosis) {
    case Diagnosis::nothing_came_back:
      return nothing_came_back(e);
    case Diagnosis::fragments_lost:
      return "the client answers, but blocks that need IP fragments do not reach it: tftp.max_block_size: "
             "1428";
    case Diagnosis::cannot_count:
      return fmt::format(
          "it stopped where 15 or 16 bits for a block's number end: the client cannot count further, and "
          "needs a larger blksize than {}",
          e.tftp ? e.tftp->block_size : 512);
    case Diagnosis::client_full:
      return "the client has no room for the file: free some of its flash or memory";
    case Diagnosis::none:
      break;
  }
  switch (e.how.cause) {
    case Cause::file_changed:
      return "put a new version in place with one rename (mv), after it is copied";
    case Cause::options_refused:
      return "the client does not accept options; most ask again without them";
    case Cause::too_large:
      return is_tftp(e) ? "tftp.max_upload is the bound" : "ssh.max_upload is the bound";
    case Cause::shutdown:
      if (e.tftp && e.tftp->single_port)
        return "with tftp.single_port a restart waits for 10 seconds at most";
      return "drain is how many seconds transfers may go on when the server stops";
    case Cause::unreadable:
      return "look at the disk and at the file's rights";
    case Cause::long_block:
      return "the client ignores the blksize that was agreed on";
    case Cause::disconnected:
      return "the client closed the connection before the file was whole: its own log says why, and a "
             "controller does so after a timeout of its own";
    case Cause::connection_lost:
      return "the client restarted, or something on the way cut the connection: look at the firewall's "
             "limits "
             "for idle and for long sessions";
    case Cause::silence:
      return "the client no longer answers: it restarted, or the link to it failed";
    default:
      break;
  }
  if (e.how.cause == Cause::complete && e.tftp && e.tftp->damages) {
    return "an image does not survive netascii: set the client to binary (octet) mode";
  }
  return {};
}

std::string ending_text(const TransferEnded& e) {
  std::string text;
  switch (e.how.by()) {
    case EndedBy::client:
      text = by_client(e);
      break;
    case EndedBy::network:
      text = by_network(e);
      break;
    case EndedBy::server:
      text = by_server(e);
      break;
  }
  const auto remedy = remedy_of(e);
  return remedy.empty() ? text : text + "; " + remedy;
}

bool is_trouble(const TransferEnded& e) {
  switch (e.how.cause) {
    case Cause::complete:
    case Cause::unconfirmed:
      return e.tftp && e.tftp->damages;
    case Cause::size_asked:
    case Cause::other_server:
    case Cause::partly_read:
      return false;
    default:
      return true;
  }
}

std::string_view outcome_of(const TransferEnded& e) {
  switch (e.how.cause) {
    case Cause::complete:
    case Cause::unconfirmed:
      return "whole";
    case Cause::size_asked:
    case Cause::partly_read:
    case Cause::other_server:
      return "partly";
    default:
      return "broke_off";
  }
}

std::string_view word(EndedBy by) {
  switch (by) {
    case EndedBy::client:
      return "client";
    case EndedBy::network:
      return "network";
    case EndedBy::server:
      break;
  }
  return "server";
}

std::string_view word(Cause cause) {
  switch (cause) {
    case Cause::complete:
      return "complete";
    case Cause::size_asked:
      return "size_asked";
    case Cause::client_error:
      return "client_error";
    case Cause::options_refused:
      return "options_refused";
    case Cause::new_request:
      return "new_request";
    case Cause::other_server:
      return "other_server";
    case Cause::partly_read:
      return "partly_read";
    case Cause::withdrawn:
      return "withdrawn";
    case Cause::disconnected:
      return "disconnected";
    case Cause::unconfirmed:
      return "unconfirmed";
    case Cause::silence:
      return "silence";
    case Cause::port_closed:
      return "port_closed";
    case Cause::connection_lost:
      return "connection_lost";
    case Cause::file_changed:
      return "file_changed";
    case Cause::unreadable:
      return "unreadable";
    case Cause::unwritable:
      return "unwritable";
    case Cause::too_large:
      return "too_large";
    case Cause::wrong_size:
      return "wrong_size";
    case Cause::long_block:
      return "long_block";
    case Cause::gave_way:
      return "gave_way";
    case Cause::connection_ended:
      return "connection_ended";
    case Cause::shutdown:
      return "shutdown";
    case Cause::stopped:
      return "stopped";
    case Cause::broke_off:
      break;
  }
  return "broke_off";
}

std::string_view word(Protocol protocol) {
  switch (protocol) {
    case Protocol::tftp:
      return "tftp";
    case Protocol::scp:
      return "scp";
    case Protocol::http:
      return "http";
    case Protocol::sftp:
      break;
  }
  return "sftp";
}

std::optional<Protocol> protocol_of(std::string_view text) {
  for (const auto each : {Protocol::tftp, Protocol::sftp, Protocol::scp, Protocol::http})
    if (word(each) == text) return each;
  return {};
}

}  // namespace server
