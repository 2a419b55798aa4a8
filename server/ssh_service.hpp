#pragma once
#include <list>
#include <map>
#include <memory>

#include "server/host_keys.hpp"
#include "server/ssh_session.hpp"

namespace server {

// Listens for SSH connections and gives each its session. Lives on the loop.
class SshService {
 public:
  explicit SshService(Shared& shared) : shared_(shared) {}

  // Connections wait in the kernel until the host keys are there; the first start makes them.
  void serve(tcp::acceptor listener);
  void use(std::vector<HostKeyPair> keys);

  void stop_listening();
  void drain_sessions();  // each ends as soon as it has no file open
  void stop_sessions();
  std::size_t running() const { return sessions_.size(); }
  // Called when the last session has ended.
  void when_empty(std::function<void()> call) { when_empty_ = std::move(call); }

 private:
  net::awaitable<void> listen(tcp::acceptor& listener);
  void start(tcp::socket socket);

  Shared& shared_;
  ssh::Bind bind_;
  std::list<tcp::acceptor> listeners_;
  std::map<SshSession*, std::shared_ptr<SshSession>> sessions_;
  std::function<void()> when_empty_;
};

}  // namespace server
