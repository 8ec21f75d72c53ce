#include <errno.h>
#include <string.h>

#include "core/macros.h"
#include "protocol/vhost_message.h"
#include "tests/protocol/rig.h"
#include "tests/suite.h"

static const struct vmm_ram_options small_ram = { .bytes = 4u << 20 };
static const struct vmm_device_options as_qemu = { .queues_len = 2, .queue_size = 16 };

START_TEST(echoes_a_request) {
	struct rig rig;
	rig_init(&rig, &small_ram, as_qemu);
	ck_assert_int_eq(vmm_device_start(&rig.device), 0);

	const char request[] = "are you there?";
	char response[sizeof(request)];
	uint32_t used;
	for (int i = 0; i < 100; i++) {
		memset(response, 0, sizeof(response));
		ck_assert_int_eq(vmm_request(&rig.device, 0, request, sizeof(request), response,
					 sizeof(response), &used),
			0);
		ck_assert_uint_eq(used, sizeof(request));
		ck_assert_mem_eq(request, response, sizeof(request));
	}
	ck_assert_uint_eq(rig.echo.chains, 100);
	rig_finish(&rig);
	ck_assert_uint_eq(rig.echo.ends, 1);
	ck_assert_int_eq(rig.echo.end_error, 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol vhost_session");
	tcase_add_test(suite_case(suite, "life"), echoes_a_request);
	return suite;
}
