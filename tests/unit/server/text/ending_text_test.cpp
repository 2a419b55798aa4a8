#include "server/text/ending_text.hpp"

#include <doctest/doctest.h>

#include <string>

#include "server/events/protocol.hpp"
#include "server/events/transfer.hpp"

using namespace server;
using event::Protocol;
using protocols::Cause;
using protocols::Diagnosis;

namespace {

event::TransferEnded by_tftp(protocols::Ending how, bool write = false) {
  event::TransferEnded ended{.number = 7,
                             .protocol = Protocol::tftp,
                             .client = "192.0.2.7",
                             .user = "",
                             .asked = "/EWC/17_9_4a/ap1g8",
                             .name = "/EWC/17_9_4a/ap1g8",
                             .write = write,
                             .size = 4096,
                             .bytes = 1024,
                             .seconds = 1.5,
                             .how = std::move(how)};
  ended.tftp = event::TftpDetails{.block_size = 512, .window = 1, .resent = 3, .tries = 6};
  return ended;
}

event::TransferEnded over_ssh(Protocol protocol, protocols::Ending how, bool write = false) {
  auto ended = by_tftp(std::move(how), write);
  ended.protocol = protocol;
  ended.user = "ewc";
  ended.tftp.reset();
  return ended;
}

event::TransferEnded by_sftp(protocols::Ending how, bool write = false) {
  return over_ssh(Protocol::sftp, std::move(how), write);
}

event::TransferEnded by_http(protocols::Ending how, unsigned status = 200, std::uint64_t first = 0) {
  auto ended = by_tftp(std::move(how));
  ended.protocol = Protocol::http;
  ended.tftp.reset();
  ended.http = event::HttpDetails{status, first};
  return ended;
}

constexpr auto figures = "1024 bytes in 1.5 s, blksize 512 windowsize 1, 3 resent";

std::string with_figures(const std::string& head) { return head + figures; }

}  // namespace

TEST_CASE("a whole transfer is told in tftpd-hpa's words, with the figures") {
  CHECK(ending_text(by_tftp({Cause::complete})) == with_figures("sent /EWC/17_9_4a/ap1g8 to 192.0.2.7: "));
  CHECK(ending_text(by_tftp({Cause::complete}, true)) ==
        with_figures("received /EWC/17_9_4a/ap1g8 from 192.0.2.7: "));
  CHECK(ending_text(by_tftp({Cause::unconfirmed})) ==
        with_figures("sent /EWC/17_9_4a/ap1g8 to 192.0.2.7: ") + ", last ACK missing");
  CHECK(ending_text(by_sftp({Cause::complete})) ==
        "sent \"/EWC/17_9_4a/ap1g8\" to 192.0.2.7: 1024 bytes in 1.5 s");
}

TEST_CASE("over HTTP the status is told, and where a part began") {
  CHECK(ending_text(by_http({Cause::complete})) ==
        "sent /EWC/17_9_4a/ap1g8 to 192.0.2.7: 1024 bytes in 1.5 s, 200");
  CHECK(ending_text(by_http({Cause::complete}, 206, 3072)) ==
        "sent /EWC/17_9_4a/ap1g8 to 192.0.2.7: 1024 bytes in 1.5 s, 206 from offset 3072");
  CHECK(ending_text(by_http({Cause::partly_read}, 206)) ==
        "/EWC/17_9_4a/ap1g8 read in part by 192.0.2.7: 1024 of 4096 bytes in 1.5 s, 206");
  CHECK(ending_text(by_http({Cause::silence}, 206, 512))
            .starts_with("timeout sending /EWC/17_9_4a/ap1g8 to 192.0.2.7: stalled at offset 1536: 1024 of "
                         "4096 bytes in 1.5 s, "
                         "206 from offset 512; "));
}

TEST_CASE("what a client wants no more of is no trouble") {
  const auto size = by_tftp({Cause::size_asked, 8, "enough"});
  CHECK(ending_text(size) ==
        "/EWC/17_9_4a/ap1g8 not sent: 192.0.2.7 asked for its size only (8, enough): 4096 bytes");
  CHECK(ending_text(by_tftp({Cause::other_server})) ==
        "/EWC/17_9_4a/ap1g8 not sent: 192.0.2.7 asked by broadcast and took what another server sent");
  CHECK(ending_text(by_sftp({Cause::partly_read})) ==
        "\"/EWC/17_9_4a/ap1g8\" read in part by 192.0.2.7: 1024 of 4096 bytes in 1.5 s");
  for (const auto cause :
       {Cause::complete, Cause::unconfirmed, Cause::size_asked, Cause::other_server, Cause::partly_read})
    CHECK_FALSE(is_trouble(by_tftp({cause})));
  for (const auto cause : {Cause::client_error, Cause::silence, Cause::file_changed, Cause::shutdown})
    CHECK(is_trouble(by_tftp({cause})));
}

TEST_CASE("each ending says who ended it") {
  CHECK(ending_text(by_tftp({Cause::client_error, 3, "Disk full"})) ==
        with_figures("/EWC/17_9_4a/ap1g8 aborted by 192.0.2.7 (3, Disk full): "));
  CHECK(ending_text(by_tftp({Cause::new_request})) ==
        with_figures("/EWC/17_9_4a/ap1g8 aborted by 192.0.2.7 (0, a new request from the same port): "));
  CHECK(ending_text(over_ssh(Protocol::scp, {Cause::withdrawn}, true)) ==
        "\"/EWC/17_9_4a/ap1g8\" aborted by 192.0.2.7 (upload not finished): 1024 of 4096 bytes in 1.5 s");
  CHECK(ending_text(by_tftp({Cause::port_closed})) ==
        with_figures("/EWC/17_9_4a/ap1g8 to 192.0.2.7 cut off by the network (port unreachable): "));
  CHECK(ending_text(by_tftp({Cause::gave_way})) ==
        with_figures(
            "/EWC/17_9_4a/ap1g8 to 192.0.2.7 broken off by the server, a newer request needs its place: "));
  CHECK(ending_text(by_tftp({Cause::stopped})) ==
        with_figures("/EWC/17_9_4a/ap1g8 to 192.0.2.7 broken off, an administrator stopped it: "));
  CHECK(ending_text(by_tftp({Cause::wrong_size, 0, "not as large as announced"}, true)) ==
        with_figures(
            "/EWC/17_9_4a/ap1g8 from 192.0.2.7 broken off by the server (0, not as large as announced): "));
  CHECK(ending_text(by_sftp({Cause::broke_off})) ==
        "\"/EWC/17_9_4a/ap1g8\" to 192.0.2.7 broken off by the server: 1024 of 4096 bytes in 1.5 s");
}

TEST_CASE("silence is told with the place, the tries and the likely reason") {
  CHECK(ending_text(by_tftp({Cause::silence})) ==
        with_figures(
            "timeout sending /EWC/17_9_4a/ap1g8 to 192.0.2.7: stalled at offset 1024 after 6 tries: ") +
            "; the client no longer answers: it restarted, or the link to it failed");
  const auto unanswered = by_tftp({Cause::silence, 0, "", Diagnosis::nothing_came_back});
  CHECK(remedy_of(unanswered) ==
        "nothing ever came back from the client: does a firewall or NAT on the way stop it? "
        "tftp.single_port: true "
        "answers from the port that was asked, and tftp.port_range names ports to open in the firewall");
}

TEST_CASE("a remedy names no setting that is in effect, and fragments only where there are some") {
  auto ended = by_tftp({Cause::silence, 0, "", Diagnosis::nothing_came_back}, true);
  ended.tftp->single_port = true;
  CHECK(remedy_of(ended) ==
        "nothing ever came back from the client: does a firewall or NAT on the way stop it?");
  ended.tftp->block_size = 8192;
  CHECK(
      remedy_of(ended).ends_with("or the fragments of its large blocks are lost: tftp.max_block_size: 1428"));
  ended.tftp->block_size = 1468;
  CHECK_FALSE(remedy_of(ended).ends_with("1428"));
}

TEST_CASE("what an administrator can do about it is said") {
  CHECK(remedy_of(by_tftp({Cause::silence, 0, "", Diagnosis::cannot_count}))
            .ends_with("larger blksize than 512"));
  CHECK(remedy_of(by_tftp({Cause::client_error, 3, "", Diagnosis::client_full})) ==
        "the client has no room for the file: free some of its flash or memory");
  CHECK(remedy_of(by_tftp({Cause::too_large}, true)) == "tftp.max_upload is the bound");
  CHECK(remedy_of(by_sftp({Cause::too_large}, true)) == "ssh.max_upload is the bound");
  CHECK(remedy_of(by_tftp({Cause::complete})).empty());
  CHECK(remedy_of(by_tftp({Cause::client_error, 0, "enough"})).empty());
}

TEST_CASE("an image that went as a text is trouble, though all of it was sent") {
  auto ended = by_tftp({Cause::complete});
  ended.tftp->netascii = ended.tftp->damages = true;
  CHECK(is_trouble(ended));
  CHECK(ending_text(ended) == with_figures("sent /EWC/17_9_4a/ap1g8 to 192.0.2.7: ") +
                                  ", netascii; an image does not survive netascii: set the client to binary "
                                  "(octet) mode");
}

TEST_CASE("how long a restart waits is said as it is for the port") {
  auto ended = by_tftp({Cause::shutdown});
  CHECK(remedy_of(ended) == "drain is how many seconds transfers may go on when the server stops");
  ended.tftp->single_port = true;
  CHECK(remedy_of(ended) == "with tftp.single_port a restart waits for 10 seconds at most");
}

TEST_CASE("what a client sent is escaped") {
  auto ended = by_tftp({Cause::client_error, 0, "bad\n\x1b[2J"});
  ended.name = "/a\nb";
  const auto text = ending_text(ended);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.starts_with("/a\\nb aborted by 192.0.2.7 (0, bad\\n"));
}

TEST_CASE("a protocol comes back from its word") {
  for (const auto each : {Protocol::tftp, Protocol::sftp, Protocol::scp, Protocol::http})
    CHECK(protocol_of(word(each)) == each);
  CHECK_FALSE(protocol_of("ftp"));
}
