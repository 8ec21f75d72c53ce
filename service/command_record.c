#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/mixer/sink_memory.h"
#include "core/config.h"
#include "core/fd.h"
#include "service/client.h"
#include "service/command.h"
#include "service/scalar.h"
#include "service/wav.h"

#define BATCH_FRAMES 4096
#define WAIT_MS 200
#define SILENT_WAITS 10 /* without a frame, before it is said why */
#define SECONDS_MAX (24 * 3600)
/* the header is right at least this often, whatever happens to us */
#define SYNC_FRAMES 48000

static volatile sig_atomic_t interrupted;

static void handle_signal(int signal) {
	interrupted = 1;
}

/* Without SA_RESTART, so that waiting ends. */
static void catch_signals(void) {
	struct sigaction action = { .sa_handler = handle_signal };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

struct recording {
	struct sink_reader reader;
	struct wav wav;
	int service; /* hangs up when the service ends */
	bool waits_for_streams; /* without one, the sink does not advance */
	uint64_t frames_max;
};

static bool service_has_ended(const struct recording *recording) {
	char byte;
	return read(recording->service, &byte, sizeof(byte)) == 0;
}

/* Until it is long enough, interrupted, or the service has ended and all of it is read. 0 or -errno. */
static int copy_samples(struct recording *recording) {
	static float samples[BATCH_FRAMES * SINK_MEMORY_CHANNELS];
	uint64_t synced = 0;
	unsigned waits = 0;
	int error = 0;
	while (error == 0 && recording->wav.frames < recording->frames_max) {
		uint64_t left = recording->frames_max - recording->wav.frames;
		uint32_t frames = sink_reader_read(
			&recording->reader, samples, (uint32_t)MIN(left, BATCH_FRAMES));
		if (frames > 0) {
			waits = 0;
			error = wav_write(&recording->wav, samples, frames);
		} else if (interrupted || service_has_ended(recording)) {
			break;
		} else {
			(void)sink_reader_wait(&recording->reader, WAIT_MS);
			if (++waits == SILENT_WAITS && recording->waits_for_streams) {
				fputs("fascia record: waiting for a stream that plays: with sound: "
				      "{clock: streams} no time passes without one\n",
					stderr);
			}
		}
		if (error == 0 && recording->wav.frames - synced >= SYNC_FRAMES) {
			synced = recording->wav.frames;
			error = wav_sync(&recording->wav);
		}
	}
	return error;
}

static int record_samples(
	const struct command *command, struct recording *recording, const char *path) {
	catch_signals();
	/* whoever started us may wait for this before it starts what is to be heard */
	puts("recording");
	fflush(stdout);
	int error = copy_samples(recording);
	int close_error = wav_close(&recording->wav);
	error = error != 0 ? error : close_error;
	if (error != 0) {
		return command_failed(command, "%s: %s", path, strerror(-error));
	}
	printf("%s: %llu frames, %.3f s at %u Hz\n", path,
		(unsigned long long)recording->wav.frames,
		(double)recording->wav.frames / recording->wav.rate, recording->wav.rate);
	if (recording->reader.lost > 0) {
		command_failed(command, "%llu frames were overwritten before they were read",
			(unsigned long long)recording->reader.lost);
		return COMMAND_INCOMPLETE;
	}
	return COMMAND_OK;
}

/* False after saying why that is not known. */
static bool asks_for_streams(const struct command *command, struct recording *recording) {
	int fd;
	if (!client_get(command, recording->service, CONTROL_GET_CONFIG, "", &fd, 1)) {
		return false;
	}
	const struct config *config = config_map(fd);
	recording->waits_for_streams = config != NULL && config->mixer.wait_streams != 0;
	config_unmap(config);
	fd_close(&fd);
	return true;
}

static int record(
	const struct command *command, const char *path, enum wav_format format, int64_t seconds) {
	struct recording recording;
	int status, memory;
	recording.service = client_connect(command, &status);
	if (recording.service < 0) {
		return status;
	}
	if (!asks_for_streams(command, &recording) ||
		!client_get(command, recording.service, CONTROL_GET_SINK, "", &memory, 1)) {
		fd_close(&recording.service);
		return COMMAND_FAILED;
	}
	int error = sink_reader_init(&recording.reader, memory);
	if (error != 0) {
		fd_close(&recording.service);
		return command_failed(command, "the sink's memory: %s", strerror(-error));
	}
	uint32_t rate = recording.reader.page->rate;
	recording.frames_max = seconds > 0 ? (uint64_t)seconds * rate : UINT64_MAX;
	error = wav_create(&recording.wav, path, format, rate, SINK_MEMORY_CHANNELS);
	status = error == 0 ? record_samples(command, &recording, path)
			    : command_failed(command, "%s: %s", path, strerror(-error));
	sink_reader_finish(&recording.reader);
	fd_close(&recording.service);
	return status;
}

static bool ends_in(const char *path, const char *ending) {
	size_t len = strlen(path), ending_len = strlen(ending);
	return len > ending_len && strcmp(path + len - ending_len, ending) == 0;
}

static int run_record(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "float", no_argument, NULL, 'f' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	enum wav_format format = WAV_S16;
	int64_t seconds = 0;
	int option, status;
	while ((option = getopt_long(argc, argv, "s:fh", options, NULL)) != -1) {
		if (option == 'f') {
			format = WAV_FLOAT;
		} else if (option == 's') {
			if (!scalar_int(optarg, 1, SECONDS_MAX, &seconds)) {
				return command_usage_error(command,
					"--seconds '%s'; allowed: 1 to %d", optarg, SECONDS_MAX);
			}
		} else if (!command_option(command, option, &status)) {
			return status;
		}
	}
	if (optind + 1 != argc || !ends_in(argv[optind], ".wav")) {
		return command_usage_error(command, "expected one file name ending in .wav");
	}
	return record(command, argv[optind], format, seconds);
}

const struct command command_record = {
	.name = "record",
	.arguments = "[-s N] [--float] FILE.wav",
	.summary = "Record the mix of a memory sink",
	.help = "Records from now until SIGINT, SIGTERM, the service's end or N seconds of "
		"samples.\n"
		"Prints 'recording' once it has begun. Exit status 4: samples were lost.\n\n"
		"  -s, --seconds N    so much, by the sink's clock\n"
		"  -f, --float        32-bit float samples instead of 16-bit ones\n",
	.run = run_record,
};
