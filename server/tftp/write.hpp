#pragma once
#include <memory>

#include "protocols/tftp/write_transfer.hpp"
#include "server/tftp/transfer.hpp"
#include "storage/depot/upload.hpp"

namespace server {

// A write request: a new file below images/uploads/, which appears there when it is whole. The disk is asked
// by workers only.
class TftpWrite final : public TftpTransfer {
 public:
  using TftpTransfer::TftpTransfer;

 private:
  net::awaitable<void> look_up() override;
  bool perform(const tftp::Action& action, tftp::Time now) override;
  bool resume_action(tftp::Time) override { return true; }
  void closed() override;
  void store(const tftp::Store& store);
  void publish();
  void failed(std::error_code error);

  tftp::WriteTransfer* machine_ = nullptr;  // the base owns it
  std::shared_ptr<storage::Upload> upload_;
  std::string failure_;  // what the client is told; the machine's ERROR refers to it
};

}  // namespace server
