#include "server/log/level.hpp"

#include "conf/log.hpp"
#include "server/events/all.hpp"
#include "server/text/ending_text.hpp"

namespace server {
namespace {

using enum conf::LogLevel;

struct SftpLevel {
  conf::LogLevel operator()(const sftp::event::ClientVersion&) const { return verbose; }
  conf::LogLevel operator()(const sftp::event::Realpath&) const { return verbose; }
  conf::LogLevel operator()(const sftp::event::Stat&) const { return verbose; }
  conf::LogLevel operator()(const sftp::event::Refused&) const { return verbose; }
  conf::LogLevel operator()(const sftp::event::Named& e) const {
    return e.request == "statvfs" ? normal : verbose;
  }
  conf::LogLevel operator()(const sftp::event::SentStatus& e) const {
    return e.status == sftp::Status::ok || e.status == sftp::Status::eof ? debug : normal;
  }
  conf::LogLevel operator()(const auto&) const { return normal; }
};

struct Level {
  conf::LogLevel operator()(const event::TftpRequested&) const { return normal; }
  conf::LogLevel operator()(const event::TransferBegan&) const { return debug; }
  conf::LogLevel operator()(const event::TransferEnded& e) const {
    if (is_trouble(e)) return quiet;
    const bool has_close = e.protocol == event::Protocol::sftp || e.protocol == event::Protocol::scp;
    return has_close ? verbose : normal;
  }
  conf::LogLevel operator()(const event::TftpRefused&) const { return normal; }
  conf::LogLevel operator()(const event::HttpRequested&) const { return normal; }
  conf::LogLevel operator()(const event::HttpAnswered&) const { return normal; }
  conf::LogLevel operator()(const event::SshProbed&) const { return debug; }
  conf::LogLevel operator()(const event::SshNegotiated&) const { return verbose; }
  conf::LogLevel operator()(const event::SshEnded& e) const { return e.user.empty() ? normal : verbose; }
  conf::LogLevel operator()(const event::SshRefused& e) const { return e.usual ? debug : normal; }
  conf::LogLevel operator()(const event::LoggedIn&) const { return normal; }
  conf::LogLevel operator()(const event::WebLoggedIn&) const { return normal; }
  conf::LogLevel operator()(const event::SessionOpened&) const { return normal; }
  conf::LogLevel operator()(const event::SessionClosed&) const { return normal; }
  conf::LogLevel operator()(const event::SftpHappened& e) const { return std::visit(SftpLevel{}, e.what); }
  conf::LogLevel operator()(const event::SftpRemapped&) const { return normal; }
  conf::LogLevel operator()(const event::ScpFailed&) const { return normal; }
  conf::LogLevel operator()(const event::ControllerSaid& e) const { return e.bad ? quiet : normal; }
  conf::LogLevel operator()(const event::SyslogRefused& e) const { return e.rare ? quiet : debug; }
  conf::LogLevel operator()(const auto&) const { return quiet; }
};

}  // namespace

conf::LogLevel level_of(const Event& event) { return event.visit(Level{}); }

}  // namespace server
