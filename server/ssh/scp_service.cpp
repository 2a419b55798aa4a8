#include "server/ssh/scp_service.hpp"

namespace server {
namespace {

constexpr std::uint32_t usual_mode = 0666;

struct Tell {
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

void ScpService::tell() {
  for (auto& what : session_->take_events()) std::visit(Tell{events_, number_}, std::move(what));
}

}  // namespace server
