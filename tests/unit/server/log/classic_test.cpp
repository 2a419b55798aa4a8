#include "server/log/classic.hpp"

#include <doctest/doctest.h>

#include "protocols/tftp/packet.hpp"
#include "server/events/import.hpp"
#include "server/events/process.hpp"
#include "server/events/protocol.hpp"
#include "server/events/sftp.hpp"
#include "server/events/ssh.hpp"
#include "server/events/tftp.hpp"
#include "server/events/transfer.hpp"
#include "server/log/json_log.hpp"
#include "tests/support/kept_event.hpp"

using namespace server;
using namespace std::string_literals;

namespace {
std::string only_line(const Event& event) {
  const auto lines = classic_lines(event);
  REQUIRE(lines.size() == 1);
  return lines[0].text;
}
storage::Miss wrong_path() {
  return {storage::Cause::wrong_directory, "/Wrong-Path does not exist", "ap1g6 is in /EWC/17_9_4a",
          storage::Path::parse("/EWC/17_9_4a/ap1g6").value(),
          std::make_error_code(std::errc::no_such_file_or_directory)};
}
using protocols::Cause;
using protocols::Diagnosis;
event::TransferEnded of_tftp() {
  return {7,
          event::Protocol::tftp,
          "172.16.4.26",
          "",
          "ap1g8",
          "/EWC/17_9_4a/ap1g8",
          false,
          70'512'640,
          70'512'640,
          12.34,
          {},
          event::TftpDetails{1428, 1, 0, 0}};
}
}  // namespace

TEST_CASE("TFTP's lines are tftpd-hpa's, to the letter") {
  CHECK(only_line(event::TftpRequested{7, "172.16.4.26", "/EWC/17_9_4a/ap1g8", false, {}}) ==
        "in.tftpd[7]: RRQ from 172.16.4.26 filename /EWC/17_9_4a/ap1g8");
  CHECK(only_line(event::TftpRequested{7, "172.16.4.26", "x.cfg", true, {}}) ==
        "in.tftpd[7]: WRQ from 172.16.4.26 filename x.cfg");
  const event::Remapped remapped{"/EWC/ap1g8", storage::Rule::letter_case};
  CHECK(only_line(event::TftpRequested{7, "172.16.4.26", "/ewc/AP1G8", false, &remapped}) ==
        "in.tftpd[7]: RRQ from 172.16.4.26 filename /ewc/AP1G8 remapped to /EWC/ap1g8 (case)");
  CHECK(only_line(event::TftpRefused{8, "172.16.4.26", tftp::ErrorCode::file_not_found}) ==
        "in.tftpd[8]: sending NAK (1, File not found) to 172.16.4.26");
  CHECK(only_line(event::Missed{8, event::Protocol::tftp, "192.0.2.7", "/ap1g8", wrong_path()}) ==
        "in.tftpd[8]: miss WRONG_DIRECTORY: /Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a: "
        "tftp-image-path /EWC/17_9_4a");
}

TEST_CASE("the end of a transfer is one line, which says who ended it and why") {
  auto e = of_tftp();
  CHECK(only_line(e) ==
        "in.tftpd[7]: sent /EWC/17_9_4a/ap1g8 to 172.16.4.26: 70512640 bytes in 12.3 s, blksize 1428 "
        "windowsize 1, 0 resent");
  e.how.cause = Cause::unconfirmed;
  CHECK(only_line(e).ends_with(", 0 resent, last ACK missing"));
  e.bytes = 1428;
  e.how = {Cause::client_error, 0, "no thanks\n"};
  CHECK(only_line(e) ==
        "in.tftpd[7]: /EWC/17_9_4a/ap1g8 aborted by 172.16.4.26 (0, no thanks\\n): 1428 bytes in 12.3 s, "
        "blksize 1428 windowsize 1, 0 resent");
  e.how = {Cause::silence};
  e.tftp->tries = 6;
  CHECK(
      only_line(e) ==
      "in.tftpd[7]: timeout sending /EWC/17_9_4a/ap1g8 to 172.16.4.26: stalled at offset 1428 after 6 tries: "
      "1428 bytes in 12.3 s, blksize 1428 windowsize 1, 0 resent; the client no longer answers: it "
      "restarted, or "
      "the link to it failed");
  e.how = {Cause::port_closed};
  CHECK(
      only_line(e) ==
      "in.tftpd[7]: /EWC/17_9_4a/ap1g8 to 172.16.4.26 cut off by the network (port unreachable): 1428 bytes "
      "in 12.3 s, blksize 1428 windowsize 1, 0 resent");
  e.how = {Cause::long_block, 4, "DATA is longer than the block size"};
  CHECK(only_line(e).starts_with(
      "in.tftpd[7]: /EWC/17_9_4a/ap1g8 to 172.16.4.26 broken off by the server (4, DATA is "
      "longer than the block size): 1428 bytes"));
  e.how = {Cause::file_changed, 0, "The file changed while it was sent"};
  CHECK(
      only_line(e).starts_with("in.tftpd[7]: /EWC/17_9_4a/ap1g8 changed while it was sent to 172.16.4.26: "));
  CHECK(only_line(e).ends_with("; put a new version in place with one rename (mv), after it is copied"));
  e.how = {Cause::unreadable, 0, "Input/output error"};
  CHECK(only_line(e).find("the file cannot be read: Input/output error: 1428 bytes") != std::string::npos);
  e.write = true;
  e.how = {};
  CHECK(only_line(e) ==
        "in.tftpd[7]: received /EWC/17_9_4a/ap1g8 from 172.16.4.26: 1428 bytes in 12.3 s, blksize 1428 "
        "windowsize 1, 0 resent");
  e.how = {Cause::unwritable, 3, "Disk full or allocation exceeded"};
  CHECK(only_line(e).starts_with(
      "in.tftpd[7]: /EWC/17_9_4a/ap1g8 from 172.16.4.26 broken off by the server (3, Disk "
      "full or allocation exceeded): 1428 bytes"));
}

TEST_CASE("an ending whose reason is known says what to do") {
  auto e = of_tftp();
  e.bytes = 0;
  e.how = {.cause = Cause::silence, .diagnosis = Diagnosis::nothing_came_back};
  for (const auto* word : {"firewall", "NAT", "tftp.single_port: true", "tftp.port_range"}) {
    CHECK(only_line(e).find(word) != std::string::npos);
  }
  e.tftp->single_port = true;  // it need not be told twice
  CHECK(only_line(e).find("tftp.single_port") == std::string::npos);
  e.how = {.cause = Cause::silence, .diagnosis = Diagnosis::fragments_lost};
  CHECK(only_line(e).ends_with("blocks that need IP fragments do not reach it: tftp.max_block_size: 1428"));
  e.how = {.cause = Cause::client_error, .text = "timeout", .diagnosis = Diagnosis::cannot_count};
  CHECK(only_line(e).ends_with("the client cannot count further, and needs a larger blksize than 1428"));
  e.how = {.cause = Cause::client_error, .code = 3, .text = "full", .diagnosis = Diagnosis::client_full};
  CHECK(only_line(e).ends_with("; the client has no room for the file: free some of its flash or memory"));
}

TEST_CASE("who asks for the size only, and an image that goes as a text") {
  auto e = of_tftp();
  e.size = 70'512'640;
  e.bytes = 0;
  e.how = {Cause::size_asked, 8, "User aborted"};
  CHECK(only_line(e) ==
        "in.tftpd[7]: /EWC/17_9_4a/ap1g8 not sent: 172.16.4.26 asked for its size only (8, User aborted): "
        "70512640 "
        "bytes");
  CHECK(classic_lines(e)[0].level == conf::LogLevel::normal);
  CHECK(classic_lines(e)[0].severity == Severity::info);
  auto text = of_tftp();
  text.tftp->netascii = true;
  CHECK(only_line(text).ends_with("0 resent, netascii"));
  CHECK(classic_lines(text)[0].severity == Severity::notice);
  text.tftp->damages = true;
  CHECK(only_line(text).ends_with(
      ", netascii; an image does not survive netascii: set the client to binary (octet) mode"));
  CHECK(classic_lines(text)[0].severity == Severity::warning);
}

TEST_CASE("the end of a file over SFTP or SCP is told behind sftp-server's close") {
  event::TransferEnded e{
      9, event::Protocol::sftp, "172.16.4.26", "ewc", "/ap1g8", "/EWC/17_9_4a/ap1g8", false, 42, 42, 1.5, {}};
  CHECK(only_line(e) == "sftp-server[9]: sent \"/EWC/17_9_4a/ap1g8\" to 172.16.4.26: 42 bytes in 1.5 s");
  e.bytes = 7;
  e.how.cause = Cause::partly_read;
  CHECK(only_line(e) ==
        "sftp-server[9]: \"/EWC/17_9_4a/ap1g8\" read in part by 172.16.4.26: 7 of 42 bytes in 1.5 s");
  e.how.cause = Cause::connection_lost;
  CHECK(only_line(e) ==
        "sftp-server[9]: \"/EWC/17_9_4a/ap1g8\" to 172.16.4.26 cut off by the network (connection lost): 7 "
        "of 42 bytes in 1.5 s; the client restarted, or something on the way cut the connection: look at the "
        "firewall's limits for idle and for long sessions");
  e.how = {Cause::connection_ended, 0, "the client sent more"};
  CHECK(only_line(e).find("broken off by the server (the client sent more): 7 of 42 bytes") !=
        std::string::npos);
}

TEST_CASE("JSON has who ended a transfer, and why, for every protocol alike") {
  auto e = of_tftp();
  e.bytes = 0;
  e.how = {Cause::port_closed, 0, "", Diagnosis::nothing_came_back};
  const auto line = json_line(e).text;
  for (const auto* member :
       {R"("protocol":"tftp")", R"("asked":"ap1g8")", R"("name":"/EWC/17_9_4a/ap1g8")", R"("bytes":0,)",
        R"("ended_by":"network","cause":"port_closed")", R"("remedy":"nothing ever came back)",
        R"("blksize":1428,"windowsize":1,"resent":0,"netascii":false)", R"("event":"transfer.ended")"}) {
    CHECK_MESSAGE(line.find(member) != std::string::npos, line);
  }
  e.how = {Cause::wrong_size, 0, "The file's size is not the tsize that was announced"};
  CHECK(json_line(e).text.find(R"("ended_by":"server","cause":"wrong_size")") != std::string::npos);
  e.how = {Cause::client_error, 3, "full"};
  CHECK(json_line(e).text.find(R"("ended_by":"client","cause":"client_error","code":3,"error":"full")") !=
        std::string::npos);
}

TEST_CASE("what was asked by broadcast and is not here gets no answer") {
  CHECK(only_line(event::TftpRefused{8, "172.16.4.26", tftp::ErrorCode::file_not_found, true}) ==
        "in.tftpd[8]: no answer (1, File not found) to 172.16.4.26: it asked by broadcast, and another "
        "server may "
        "have the file");
}

TEST_CASE("one noisy client is told of in sum, and a limit names its setting") {
  CHECK(only_line(event::TftpLimited{9, "172.16.4.26", "/x", event::Limit::transfers_per_address}) ==
        "in.tftpd[9]: dropped a request from 172.16.4.26 for /x: too many transfers from there "
        "(tftp.max_transfers_per_address)");
  CHECK(only_line(event::TftpNoise{9, "172.16.4.26", event::Noise::refused, 480, std::chrono::seconds(10)}) ==
        "in.tftpd[9]: 480 more requests from 172.16.4.26 were refused within 10 s");
  const event::TftpNoise again{9,
                               "172.16.4.26",
                               event::Noise::refused,
                               480,
                               std::chrono::seconds(10),
                               {{"WRONG_DIRECTORY /Wrong-Path/ap1g6\n", 400}, {"NOT_FOUND /x", 20}}};
  CHECK(only_line(again) ==
        "in.tftpd[9]: 480 more requests from 172.16.4.26 were refused within 10 s: 400 times WRONG_DIRECTORY "
        "/Wrong-Path/ap1g6\\n, 20 times NOT_FOUND /x, and 60 others");
  CHECK(json_line(again).text.find(
            R"("repeated":[{"what":"WRONG_DIRECTORY /Wrong-Path/ap1g6\\n","count":400}, {)") !=
        std::string::npos);
}

TEST_CASE("SFTP's lines are sftp-server's, to the letter") {
  const auto line = [](sftp::Event what) { return only_line(event::SftpHappened{9, std::move(what)}); };
  CHECK(only_line(event::SessionOpened{9, "ewc", "172.16.4.26"}) ==
        "sftp-server[9]: session opened for local user ewc from [172.16.4.26]");
  CHECK(line(sftp::event::ClientVersion{3}) == "sftp-server[9]: received client version 3");
  CHECK(line(sftp::event::Realpath{"."}) == "sftp-server[9]: realpath \".\"");
  CHECK(line(sftp::event::Stat{"/EWC/17_9_4a/ap3g3", true}) ==
        "sftp-server[9]: stat name \"/EWC/17_9_4a/ap3g3\"");
  CHECK(line(sftp::event::Open{"/EWC/17_9_4a/ap3g3", sftp::open_flag::read, 0666}) ==
        "sftp-server[9]: open \"/EWC/17_9_4a/ap3g3\" flags READ mode 0666");
  CHECK(line(sftp::event::Open{"/x", 0x1a, 0644}) ==
        "sftp-server[9]: open \"/x\" flags WRITE,CREATE,TRUNCATE mode 0644");
  CHECK(line(sftp::event::Close{"/EWC/17_9_4a/ap3g3", 59'156'480, false}) ==
        "sftp-server[9]: close \"/EWC/17_9_4a/ap3g3\" bytes read 59156480 written 0");
  CHECK(line(sftp::event::Close{"/x", 1, true}) ==
        "sftp-server[9]: forced close \"/x\" bytes read 1 written 0");
  CHECK(line(sftp::event::SentStatus{1, sftp::Status::no_such_file}) ==
        "sftp-server[9]: sent status No such file");
  CHECK(line(sftp::event::Refused{"mkdir"}) == "sftp-server[9]: Refusing mkdir request in read-only mode");
  CHECK(only_line(event::SessionClosed{9, "ewc", "172.16.4.26"}) ==
        "sftp-server[9]: session closed for local user ewc from [172.16.4.26]");
  CHECK(only_line(event::Missed{9, event::Protocol::sftp, "192.0.2.7", "/ap1g8", wrong_path()})
            .ends_with(": sftp-image-path /EWC/17_9_4a"));
  CHECK(only_line(event::SftpRemapped{9, "/ewc/AP1G8", {"/EWC/ap1g8", storage::Rule::letter_case}}) ==
        "sftp-server[9]: remapped \"/ewc/AP1G8\" to \"/EWC/ap1g8\" (case)");
}

TEST_CASE("a long name that is missing does not push out what to do about it") {
  auto miss = wrong_path();
  miss.what = "/" + std::string(4000, 'x') + " does not exist";
  CHECK(only_line(event::Missed{8, event::Protocol::tftp, "192.0.2.7", "/ap1g8", miss})
            .ends_with("tftp-image-path /EWC/17_9_4a"));
}

TEST_CASE("a level shows its lines and no more") {
  const auto level = [](const Event& event) { return classic_lines(event)[0].level; };
  using conf::LogLevel;
  CHECK(level(event::Missed{9, event::Protocol::sftp, "192.0.2.7", "/ap1g8", wrong_path()}) ==
        LogLevel::quiet);
  CHECK(level(event::TftpRequested{7, "a", "b", false, {}}) == LogLevel::normal);
  CHECK(level(event::SftpHappened{9, sftp::event::Realpath{"."}}) == LogLevel::verbose);
  CHECK(level(event::SftpHappened{9, sftp::event::SentStatus{1, sftp::Status::ok}}) == LogLevel::debug);
}

TEST_CASE("logins are told in sshd's words, and then why they failed") {
  const std::string key = "ED25519 SHA256:4bQ0bXK3s0jcIv6zvdzyI0GEb1YaKa0dW7GQ1l1U0xo";
  CHECK(only_line(event::LoggedIn{9, "bob", "1.2.3.4", 5, "publickey", key}) ==
        "sshd[9]: Accepted publickey for bob from 1.2.3.4 port 5 ssh2: " + key);
  CHECK(only_line(event::LoggedIn{9, "bob", "1.2.3.4", 5, "password"}) ==
        "sshd[9]: Accepted password for bob from 1.2.3.4 port 5 ssh2");
  using enum event::LoginFault;
  const auto failed = [&](event::LoginFault fault, const std::string& shown) {
    return only_line(event::LoginFailed{9, "bob", "1.2.3.4", 5, "x", fault, shown, "Bob"});
  };
  const std::string known = "sshd[9]: Failed x for bob from 1.2.3.4 port 5 ssh2";
  const std::string unknown = "sshd[9]: Failed x for invalid user bob from 1.2.3.4 port 5 ssh2";
  CHECK(failed(wrong_password, "") == known);
  CHECK(failed(unknown_user, "") == unknown);
  CHECK(failed(unknown_user, key) == unknown + ": " + key);
  CHECK(failed(other_case, "") == unknown + ": the user is called Bob");
  CHECK(failed(other_key, key) == known + ": " + key + ", not one of the user's keys");
  CHECK(failed(wrong_signature, "") == known + ": the signature is wrong");
}

TEST_CASE("a client cannot write a line of its own") {
  CHECK(only_line(
            event::TftpRequested{7, "10.0.0.1", "x\nin.tftpd[8]: sent /y to 10.0.0.2\x1b[2J", false, {}}) ==
        "in.tftpd[7]: RRQ from 10.0.0.1 filename x\\nin.tftpd[8]: sent /y to 10.0.0.2\\x1b[2J");
}

TEST_CASE("what a client says is bounded, and what the administrator needs is not") {
  const std::string said(1000, '\x01');
  auto e = of_tftp();
  e.how = {Cause::client_error, 0, said};
  for (const Event& event : std::initializer_list<KeptEvent>{
           e, event::TftpRequested{7, "10.0.0.1", said, false, {}},
           event::TftpLimited{7, "10.0.0.1", said, event::Limit::denied},
           event::SshEnded{7, "", "10.0.0.1", 22, event::SshEnd::disconnected, said},
           event::LoginFailed{7, said, "10.0.0.1", 22, "password"}, event::SshRefused{7, said},
           event::SftpHappened{7, sftp::event::Stat{said, true}},
           event::SftpHappened{7, sftp::event::Unknown{200, said}}}) {
    CHECK(only_line(event).size() <= 200 + 120);
    CHECK(only_line(event).find("bytes more)") != std::string::npos);
  }
  CHECK(only_line(event::SftpHappened{7, sftp::event::Pair{"rename", said, said}}).size() <= 400 + 60);
  CHECK(only_line(event::ScpFailed{7, said, said, true}).size() <= 400 + 60);
  const std::string offer = "kex-" + std::string(700, 'a');
  const auto mismatch = only_line(
      event::SshMismatched{7, "10.0.0.1", 22, said, "key exchange method", offer, "curve25519", true});
  CHECK(mismatch.find(offer) != std::string::npos);
  CHECK(mismatch.ends_with("; ssh.compatibility: legacy has what they need"));
  const auto deep =
      "/" + std::string(255, 'a') + "/" + std::string(255, 'b') + "/" + std::string(255, 'c') + "/x";
  e.name = deep;
  CHECK(only_line(e).find(deep) != std::string::npos);
  const event::Remapped remapped{deep, storage::Rule::alias};
  CHECK(only_line(event::TftpRequested{7, "a", "x", false, &remapped}).find(deep) != std::string::npos);
}

TEST_CASE("a bundle of ten thousand odd members is some lines") {
  event::Published e{"bundle.zip", {}, 1};
  e.imported.path = "/EWC/17_9_4a";
  e.imported.warnings.assign(10'000, "odd");
  const auto lines = classic_lines(e);
  CHECK(lines.size() == 22);
  CHECK(lines[20].text == "apdepot: bundle.zip: 9980 more warnings were left out");
  CHECK(json_line(e).text.size() < 10'000);
}

TEST_CASE("what was left out is told with its number") {
  CHECK(only_line(event::LeftOut{"192.0.2.7", 612, std::chrono::seconds(10)}) ==
        "apdepot: 612 more lines about 192.0.2.7 were left out within 10 s");
  CHECK(json_line(event::LeftOut{"192.0.2.7", 612, std::chrono::seconds(10)})
            .text.starts_with(R"({"about":"192.0.2.7","lines":612,"seconds":10,"event":"log.left_out")"));
}

TEST_CASE("the same event as JSON") {
  CHECK(json_line(event::TftpRequested{7, "10.0.0.1", "a\"b\\\n", false, {}}).text ==
        R"({"number":7,"client":"10.0.0.1","name":"a\"b\\\\\\n","write":false,"event":"tftp.requested",)"
        R"("text":"in.tftpd[7]: RRQ from 10.0.0.1 filename a\"b\\\\\\n"})");
}
