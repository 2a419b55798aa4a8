#include "server/log/level.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "protocols/tftp/packet.hpp"
#include "server/events/http.hpp"
#include "server/events/process.hpp"
#include "server/events/protocol.hpp"
#include "server/events/sftp.hpp"
#include "server/events/ssh.hpp"
#include "server/events/syslog.hpp"
#include "server/events/tftp.hpp"
#include "server/events/transfer.hpp"
#include "server/events/warning.hpp"
#include "server/log/classic.hpp"
#include "server/log/json_log.hpp"
#include "tests/support/kept_event.hpp"

using namespace server;

TEST_CASE("the level that is known beforehand is that of the lines") {
  using protocols::Cause;
  using sftp::Status;
  event::TransferEnded sent{7, event::Protocol::tftp, "a", "", "/x", "/x", false, 1, 1, 1, {}};
  auto aborted = sent, probed = sent, damaged = sent, by_sftp = sent, lost = sent, by_http = sent;
  aborted.how.cause = Cause::client_error;
  probed.how.cause = Cause::size_asked;
  damaged.tftp = event::TftpDetails{.block_size = 512, .window = 1, .resent = 0, .tries = 0, .damages = true};
  by_sftp.protocol = lost.protocol = event::Protocol::sftp;
  lost.how.cause = Cause::connection_lost;
  by_http.protocol = event::Protocol::http;
  const auto sftp_event = [](sftp::Event what) { return event::SftpHappened{9, std::move(what)}; };
  const std::initializer_list<KeptEvent> events{
      event::TftpRequested{7, "a", "b", false, {}},
      sent,
      aborted,
      probed,
      damaged,
      lost,
      event::TftpRefused{7, "a", tftp::ErrorCode::file_not_found},
      event::TftpLimited{7, "a", "b", event::Limit::denied},
      by_http,
      event::HttpRequested{7, "a", "GET", "/x", {}},
      event::HttpAnswered{7, "a", 404, "Not Found"},
      event::HttpLimited{7, "a", "/x", event::Limit::denied},
      event::SshProbed{9, "a"},
      event::SshNegotiated{9, "a", 22, "b", "", "", "", "", "", ""},
      event::SshEnded{9, "", "a", 22, event::SshEnd::closed, ""},
      event::SshEnded{9, "ewc", "a", 22, event::SshEnd::closed, ""},
      event::SshRefused{9, "x"},
      event::SshRefused{9, "x", true},
      event::LoggedIn{9, "ewc", "a", 22, "password"},
      event::LoginFailed{9, "ewc", "a", 22, "password"},
      event::SessionOpened{9, "ewc", "a"},
      event::SessionClosed{9, "ewc", "a"},
      event::SftpRemapped{9, "x", {"/x", storage::Rule::letter_case}},
      event::ScpFailed{9, "x", "y", true},
      event::ControllerSaid{"a", "b", {}, "c", "d", true},
      event::ControllerSaid{"a", "b", {}, "c", "d", false},
      event::SyslogRefused{"a", event::SyslogLimit::not_allowed, true, 1},
      event::SyslogRefused{"a", event::SyslogLimit::not_allowed, false, 0},
      sftp_event(sftp::event::ClientVersion{3}),
      sftp_event(sftp::event::Realpath{"."}),
      sftp_event(sftp::event::Stat{"x", true}),
      sftp_event(sftp::event::Open{"x", 1, 0}),
      sftp_event(sftp::event::Close{"x", 1, false}),
      sftp_event(sftp::event::Opendir{"x"}),
      sftp_event(sftp::event::Closedir{"x", false}),
      sftp_event(sftp::event::Remove{"x"}),
      sftp_event(sftp::event::Mkdir{"x", 0}),
      sftp_event(sftp::event::Rmdir{"x"}),
      sftp_event(sftp::event::Pair{"rename", "x", "y"}),
      sftp_event(sftp::event::Named{"statvfs", "x"}),
      sftp_event(sftp::event::Named{"fsync", "x"}),
      sftp_event(sftp::event::SetSize{"x", 1}),
      sftp_event(sftp::event::Refused{"open"}),
      sftp_event(sftp::event::SentStatus{1, Status::ok}),
      sftp_event(sftp::event::SentStatus{1, Status::eof}),
      sftp_event(sftp::event::SentStatus{1, Status::failure}),
      sftp_event(sftp::event::Unknown{200, ""}),
      event::Warned{Warning::images, "x"}};
  for (const auto& event : events) {
    const auto lines = classic_lines(event);
    const auto least = std::ranges::min(lines, {}, &LogLine::level);
    CHECK_MESSAGE(level_of(event) == least.level, least.text);
  }
  // JSON tells every transfer's end; the classic log has sftp-server's close for this one.
  CHECK(level_of(by_sftp) == conf::LogLevel::verbose);
  CHECK(json_line(by_sftp).level == conf::LogLevel::verbose);
  CHECK(classic_lines(by_sftp)[0].level == conf::LogLevel::debug);
}
