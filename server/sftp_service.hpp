#pragma once
#include <set>

#include "protocols/sftp/session.hpp"
#include "server/file_service.hpp"
#include "server/shared.hpp"

namespace server {

// The sftp subsystem.
class SftpService final : public FileService {
 public:
  SftpService(const Events& events, std::uint64_t number, sftp::Session session)
      : events_(events), number_(number), session_(std::move(session)) {}

  bool feed(std::span<const std::byte> bytes) override { return session_.feed(bytes); }
  void eof() override { eof_ = true; }
  std::optional<files::Operation> poll() override { return session_.poll(); }
  bool more() const override { return false; }
  void done(files::Answer answer) override { session_.done(std::move(answer)); }
  void close_all() override { session_.close_all(); }
  std::span<const std::byte> output() override { return session_.output().bytes(); }
  void consume(std::size_t count) override { session_.output().consume(count); }
  void release_output() override { session_.output().release(); }
  void tell() override {
    for (auto& what : session_.take_events()) events_.emit(event::SftpHappened{number_, std::move(what)});
    for (const auto& [name, error] : session_.take_misnamed()) {
      if (misnamed_.size() >= most_misnamed_told || !misnamed_.insert(name).second) continue;
      events_.emit(event::Missed{number_, event::Protocol::sftp, storage::explain_miss(name, error)});
    }
  }
  bool idle() const override { return session_.idle(); }
  bool broken() const override { return session_.broken(); }
  bool misses(const files::Operation&) const override { return true; }
  std::optional<int> exit_status() const override { return eof_ ? std::optional(0) : std::nullopt; }

 private:
  const Events& events_;
  const std::uint64_t number_;
  static constexpr std::size_t most_misnamed_told = 100;
  sftp::Session session_;
  std::set<std::string> misnamed_;  // of what it was told, a line a name
  bool eof_ = false;
};

}  // namespace server
