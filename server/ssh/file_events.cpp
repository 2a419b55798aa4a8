#include "server/ssh/file_events.hpp"

#include "server/events/events.hpp"
#include "server/events/protocol.hpp"
#include "server/events/sftp.hpp"
#include "server/events/transfer.hpp"
#include "storage/lookup/explain.hpp"

namespace server {
namespace {

constexpr std::uint32_t usual_mode = 0666;

struct InSftpWords {
  const Events& events;
  std::uint64_t number;

  void operator()(scp::event::Opened e) const {
    namespace flag = sftp::open_flag;
    const auto flags = e.write ? flag::write | flag::create | flag::truncate : flag::read;
    events.emit(event::SftpHappened{number, sftp::event::Open{std::move(e.name), flags, usual_mode}});
  }
  void operator()(scp::event::Closed e) const {
    sftp::event::Close close{};
    close.name = std::move(e.name);
    close.read = e.read;
    close.written = e.written;
    close.forced = e.forced;
    events.emit(event::SftpHappened{number, std::move(close)});
  }
  void operator()(scp::event::Failed e) const {
    events.emit(event::ScpFailed{number, std::move(e.name), std::move(e.text), e.by_client});
  }
};

}  // namespace

void emit_happened(const Events& events, std::uint64_t number, sftp::Session& session, ConnectionUse& use) {
  for (auto& what : session.take_events()) events.emit(event::SftpHappened{number, std::move(what)});
  for (const auto& [name, error] : session.take_misnamed()) {
    if (!use.misnamed.is_new(name)) continue;
    events.emit(event::Missed{number, event::Protocol::sftp, use.address().to_string(), name,
                              storage::explain_miss(name, error)});
  }
}

void emit_happened(const Events& events, std::uint64_t number, scp::Session& session) {
  for (auto& what : session.take_events()) std::visit(InSftpWords{events, number}, std::move(what));
}

}  // namespace server
