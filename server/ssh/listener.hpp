#pragma once
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "server/loop/reserved_memory.hpp"
#include "server/os/listener_wait.hpp"
#include "server/ssh/common.hpp"
#include "server/ssh/host_keys.hpp"
#include "server/ssh/session.hpp"

namespace server {

// Listens for SSH connections and gives each its session. Lives on the loop.
class SshService {
 public:
  SshService(net::io_context& loop, Lanes& lanes, Events& events, const LiveSettings& settings,
             Library& library, Running& running)
      : common_(std::make_shared<SshCommon>(loop, lanes, events, settings, library, running)) {}
  SshService(const SshService&) = delete;
  SshService& operator=(const SshService&) = delete;
  ~SshService();

  // Connections wait in the kernel until the host keys are there; the first start makes them.
  // A group exchange wants write_moduli() before.
  void serve(tcp::acceptor listener);
  void close(const tcp::endpoint& address);  // sessions go on
  void use(std::vector<HostKeyPair> keys);

  void bound_open_files(const OpenFiles::Bounds& bounds) { common_->open_files.set(bounds); }
  void stop_listening();
  void drain_sessions();  // each ends as soon as it has no file open
  void stop_sessions();
  std::size_t running() const { return sessions_.size(); }
  // Called when the last session has ended.
  void when_empty(std::function<void()> call) { when_empty_ = std::move(call); }

 private:
  struct Listener {
    explicit Listener(tcp::acceptor opened)
        : acceptor(std::move(opened)), wait(acceptor), pause(acceptor.get_executor()) {}
    tcp::acceptor acceptor;
    ListenerWait wait;
    net::steady_timer pause;
    WaitMemory pause_memory;
  };
  void listen(const std::shared_ptr<Listener>& listener);
  void pause(const std::shared_ptr<Listener>& listener);
  bool accept(Listener& listener) noexcept;
  void start(tcp::socket socket);
  bool admits(tcp::socket& socket, const tcp::endpoint& client);
  void run(tcp::socket socket, const tcp::endpoint& client, SshPlace place);
  void left(SshSession& session, std::uint64_t number, const net::ip::address& client) noexcept;
  void tell_of_penalty(SshSession& session, std::uint64_t number, const net::ip::address& client);
  std::vector<std::shared_ptr<SshSession>> sessions() const;

  const std::shared_ptr<SshCommon> common_;
  ssh::Bind bind_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  bool listening_ = false;                           // the host keys are there
  std::minstd_rand random_{std::random_device{}()};  // for whom an early drop meets
  std::map<SshSession*, std::shared_ptr<SshSession>> sessions_;
  std::size_t most_sessions_ = 0;  // at once, since there were none
  std::function<void()> when_empty_;
};

}  // namespace server
